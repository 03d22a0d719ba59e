import FoundationEssentials
import ProgramRunner

/// A disk or partition of a volume group, as `pvs` says it.
public struct PhysicalVolume: Sendable, Hashable, Codable {
  /// `[unknown]` for one that is missing.
  public var name: String
  /// Empty for one in no group.
  public var group: String
  public var bytes: UInt64
  public var freeBytes: UInt64
  public var uuid: String
  public var isMissing: Bool

  private struct Row: Decodable {
    var pv_name: String
    var vg_name: String
    var pv_size: String
    var pv_free: String
    var pv_uuid: String
    var pv_missing: String
  }

  private struct Answer: Decodable {
    struct Report: Decodable { var pv: [Row] }
    var report: [Report]
  }

  static func all(_ runner: any CommandRunner) async throws(NodeWorkError) -> [PhysicalVolume] {
    let output = try await runner.work(
      Command(
        "pvs",
        [
          "--reportformat", "json", "--units", "b", "--nosuffix", "--options",
          "pv_name,vg_name,pv_size,pv_free,pv_uuid,pv_missing",
        ]), .storage)
    guard let answer = try? JSONDecoder().decode(Answer.self, from: Data(output.standardOutput.utf8)) else {
      throw NodeWorkError(.storage, "pvs says what can not be read: \(output.standardOutput.prefix(200))")
    }
    var volumes: [PhysicalVolume] = []
    for row in answer.report.flatMap(\.pv) {
      guard let size = UInt64(row.pv_size), let free = UInt64(row.pv_free) else {
        throw NodeWorkError(.storage, "pvs gives \(row.pv_name) the size “\(row.pv_size)”")
      }
      volumes.append(
        PhysicalVolume(
          name: row.pv_name, group: row.vg_name, bytes: size, freeBytes: free, uuid: row.pv_uuid,
          isMissing: !["", "0"].contains(row.pv_missing)))
    }
    return volumes
  }

  var alarm: String? {
    isMissing
      ? "a disk of the volume group \(group) is missing (\(uuid)); plug it in again, or see 'vgs --partial'" : nil
  }
}

/// A row of `vgs`.
struct VolumeGroup: Sendable, Hashable {
  var name: String
  var freeBytes: UInt64
  /// Bytes; sizes in the group are multiples of it.
  var extent: UInt64

  private struct Answer: Decodable {
    struct Row: Decodable {
      var vg_name: String
      var vg_free: String
      var vg_extent_size: String
    }
    struct Report: Decodable { var vg: [Row] }
    var report: [Report]
  }

  static func named(_ name: String, _ runner: any CommandRunner) async throws(NodeWorkError) -> VolumeGroup {
    let output = try await runner.work(
      Command(
        "vgs",
        [
          "--reportformat", "json", "--units", "b", "--nosuffix", "--options", "vg_name,vg_free,vg_extent_size", name,
        ]), .storage)
    guard let answer = try? JSONDecoder().decode(Answer.self, from: Data(output.standardOutput.utf8)),
      let row = answer.report.flatMap(\.vg).first(where: { $0.vg_name == name }), let free = UInt64(row.vg_free),
      let extent = UInt64(row.vg_extent_size), extent > 0
    else { throw NodeWorkError(.storage, "vgs says of \(name) what can not be read") }
    return VolumeGroup(name: name, freeBytes: free, extent: extent)
  }
}
