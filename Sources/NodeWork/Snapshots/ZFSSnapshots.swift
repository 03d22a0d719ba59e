import FoundationEssentials
import ProgramRunner

/// Snapshots of ZFS data sets.
public struct ZFSSnapshots: SnapshotProvider {
  private let runner: any CommandRunner

  public init(runner: any CommandRunner) { self.runner = runner }

  public var kind: Snapshot.Provider { .zfs }

  public func origin(of mounted: MountedFileSystem) async throws(NodeWorkError) -> SnapshotOrigin? {
    guard mounted.fstype == "zfs" else { return nil }
    return SnapshotOrigin(
      provider: .zfs, name: mounted.source, fileSystem: "zfs", mountPoint: mounted.target,
      pool: String(mounted.source.prefix { $0 != "/" }))
  }

  public func pools() async throws(NodeWorkError) -> [PoolUse] {
    let output = try await runner.work(
      Command("zpool", ["list", "-H", "-p", "-o", "name,size,capacity,health"]), .storage)
    var pools: [PoolUse] = []
    for row in rows(output) {
      guard row.count == 4, let size = UInt64(row[1]), let capacity = Double(row[2]) else {
        throw NodeWorkError(.storage, "zpool list says what can not be read: \(row.joined(separator: " "))")
      }
      pools.append(PoolUse(name: row[0], provider: .zfs, bytes: size, dataPercent: capacity, health: row[3]))
    }
    return pools
  }

  public func create(_ snapshot: Snapshot) async throws(NodeWorkError) {
    try await runner.work(
      Command(
        "zfs",
        [
          "snapshot", "-o", "bootstead:purpose=\(snapshot.purpose.rawValue)", "-o",
          "bootstead:stack=\(snapshot.stack)", "-o", "bootstead:label=\(snapshot.label)", snapshot.name,
        ]), .storage)
  }

  public func mount(_ snapshot: Snapshot, at path: String) -> Command {
    Command("mount", ["-t", "zfs", "-o", "ro", snapshot.name, path])
  }

  public func list() async throws(NodeWorkError) -> [Snapshot] {
    let output = try await runner.work(
      Command(
        "zfs",
        [
          "list", "-H", "-p", "-t", "snapshot", "-s", "creation", "-o",
          "name,used,creation,bootstead:purpose,bootstead:stack,bootstead:label",
        ]), .storage)
    var snapshots: [Snapshot] = []
    for row in rows(output) {
      guard row.count == 6 else {
        throw NodeWorkError(.storage, "zfs list says what can not be read: \(row.joined(separator: " "))")
      }
      guard let purpose = Snapshot.Purpose(rawValue: row[3]) else { continue }
      let created = TimeInterval(row[2]).map { Date(timeIntervalSince1970: $0).formatted(.iso8601) }
      snapshots.append(
        Snapshot(
          provider: .zfs, origin: String(row[0].prefix { $0 != "@" }), name: row[0], purpose: purpose, stack: row[4],
          label: row[5], fileSystem: "zfs", bytes: UInt64(row[1]), created: created))
    }
    return snapshots
  }

  /// ZFS goes back over no newer snapshot, nor bookmark, but by destroying it.
  public func checkRollBack(to snapshot: Snapshot) async throws(NodeWorkError) {
    let output = try await runner.work(
      Command(
        "zfs",
        ["list", "-H", "-p", "-t", "snapshot,bookmark", "-o", "name,createtxg", "-d", "1", snapshot.origin]), .storage)
    var numbers: [String: UInt64] = [:]
    for row in rows(output) {
      guard row.count == 2, let number = UInt64(row[1]) else {
        throw NodeWorkError(.storage, "zfs list says what can not be read: \(row.joined(separator: " "))")
      }
      numbers[row[0]] = number
    }
    guard let own = numbers[snapshot.name] else {
      throw NodeWorkError(.storage, "\(snapshot.name) is not there any more")
    }
    let newer = numbers.filter { $0.value > own }.sorted { $0.value < $1.value }.map(\.key)
    guard newer.isEmpty else {
      throw NodeWorkError(
        .storage,
        "\(snapshot.origin) has newer snapshots than “\(snapshot.label)”, over which ZFS does not go back: "
          + newer.joined(separator: ", "),
        advice: "copy single files out of .zfs/snapshot, restore from a backup, or destroy the newer ones by hand")
    }
  }

  public func rollBack(to snapshot: Snapshot, mountPoint: String) async throws(NodeWorkError) {
    // Without -r: ZFS refuses where newer snapshots would be lost. It unmounts and mounts by itself, or changes nothing.
    try await runner.work(Command("zfs", ["rollback", snapshot.name]), .storage)
  }

  public func destroy(_ snapshot: Snapshot) async throws(NodeWorkError) {
    guard snapshot.name.contains("@") else {
      throw NodeWorkError(.storage, "\(snapshot.name) is a data set and no snapshot; it stays")
    }
    guard try await list().contains(where: { $0.name == snapshot.name }) else { return }
    try await runner.work(Command("zfs", ["destroy", snapshot.name]), .storage)
  }

  private func rows(_ output: CommandOutput) -> [[String]] {
    output.standardOutput.split(whereSeparator: \.isNewline).map {
      $0.split(separator: "\t", omittingEmptySubsequences: false).map(String.init)
    }
  }
}
