import DiskLayout
import FoundationEssentials

/// The volume group as LVM reports it.
struct ReportedGroup: Decodable, Sendable {
  let name: String
  let uuid: String
  private let tagList: String

  var tags: [String] { tagList.split(separator: ",").map(String.init) }

  private enum CodingKeys: String, CodingKey {
    case name = "vg_name"
    case uuid = "vg_uuid"
    case tagList = "vg_tags"
  }
}

/// A logical volume as LVM reports it.
struct ReportedVolume: Decodable, Sendable {
  /// In brackets for volumes that LVM hides, as `[pool_tdata]`.
  let name: String
  let segmentType: String
  let pool: String
  private let tagList: String

  var tags: [String] { tagList.split(separator: ",").map(String.init) }
  var isHidden: Bool { name.hasPrefix("[") }
  var isThin: Bool { segmentType == "thin" || segmentType == "thin-pool" || isHidden }

  private enum CodingKeys: String, CodingKey {
    case name = "lv_name"
    case segmentType = "segtype"
    case pool = "pool_lv"
    case tagList = "lv_tags"
  }
}

/// The frame of `--reportformat json` (lvmreport(7)).
struct LVMReport<Row: Decodable & Sendable>: Decodable, Sendable {
  let rows: [Row]

  private struct Key: CodingKey {
    let stringValue: String
    let intValue: Int? = nil
    init(stringValue: String) { self.stringValue = stringValue }
    init?(intValue: Int) { return nil }
  }

  init(from decoder: any Decoder) throws {
    var rows: [Row] = []
    var reports = try decoder.container(keyedBy: Key.self).nestedUnkeyedContainer(forKey: Key(stringValue: "report"))
    while !reports.isAtEnd {
      let report = try reports.nestedContainer(keyedBy: Key.self)
      // One key for the kind of report: vg, lv, seg.
      for key in report.allKeys { rows += try report.decode([Row].self, forKey: key) }
    }
    self.rows = rows
  }
}

extension DiskExecutor {
  /// The plan's group on the data partition, where it is there.
  func volumeGroup(step: String) async throws(DiskExecutionError) -> ReportedGroup? {
    let rows: [ReportedGroup] = try await report(step, "vgs", ["--options", "vg_name,vg_uuid,vg_tags"])
    return rows.first { $0.name == plan.volumeGroup.name }
  }

  func logicalVolumes(step: String) async throws(DiskExecutionError) -> [ReportedVolume] {
    try await report(
      step, "lvs", ["--all", "--options", "lv_name,segtype,pool_lv,lv_tags", plan.volumeGroup.name])
  }

  private func report<Row: Decodable & Sendable>(
    _ step: String, _ name: String, _ arguments: [String]
  ) async throws(DiskExecutionError) -> [Row] {
    let output = try await lvm(step, name, ["--reportformat", "json"] + arguments)
    do {
      return try JSONDecoder().decode(LVMReport<Row>.self, from: Data(output.standardOutput.utf8)).rows
    } catch {
      throw .unexpected(step: step, problem: "the report of \(name) could not be read: \(error)")
    }
  }
}
