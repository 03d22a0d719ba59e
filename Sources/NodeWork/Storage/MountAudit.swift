import FoundationEssentials
import ProgramRunner
import StackSet

/// Finds file systems that are declared, or were made for a stack, and are not mounted. What is written below such a mount
/// point lands on the file system beneath it.
struct MountAudit: Sendable {
  let set: StackSet
  let snapshots: NodeSnapshots
  let runner: any CommandRunner

  private struct Answer: Decodable {
    struct Row: Decodable {
      var target: String?
      var source: String?
      var fstype: String?
      var options: String?
    }
    var filesystems: [Row]
  }

  /// A file system that is not mounted where it belongs.
  struct Missing: Sendable, Hashable {
    var target: String
    /// With what to do.
    var problem: String
  }

  /// - Returns: a line each.
  func missing() async throws(NodeWorkError) -> [String] { try await missingMounts().map(\.problem) }

  func missingMounts() async throws(NodeWorkError) -> [Missing] {
    var missing: [Missing] = []
    for (target, source) in try await Self.declared(runner) {
      guard try await !MountedFileSystem.isMountPoint(target, runner: runner) else { continue }
      missing.append(
        Missing(
          target: target,
          problem: "\(target) is not mounted (\(source)); run 'mount \(target)' and see 'journalctl -b' for why"))
    }
    if snapshots.has(.thin) {
      let volumes = try await LogicalVolume.all(runner)
      for disk in set.stacks.flatMap(StackDisk.all) {
        guard let volume = volumes.first(where: { $0.name == disk.volumeName && $0.tags.contains(StackDisks.tag) }),
          try await !MountedFileSystem.isMountPoint(disk.mountPoint, runner: runner)
        else { continue }
        missing.append(
          Missing(
            target: disk.mountPoint,
            problem: "\(disk.mountPoint) is not mounted (\(volume.group)/\(volume.name)); "
              + "run 'bootstead-agent storage apply'"))
      }
    }
    if snapshots.has(.zfs) { missing += try await dataSets() }
    return missing
  }

  /// What `/etc/fstab` wants mounted.
  static func declared(_ runner: any CommandRunner) async throws(NodeWorkError) -> [(target: String, source: String)] {
    var command = Command("findmnt", ["--json", "--list", "--fstab", "--output", "TARGET,SOURCE,FSTYPE,OPTIONS"])
    // 1: the table is empty.
    command.acceptedCodes = [0, 1]
    let output = try await runner.work(command, .storage)
    guard output.code == 0 else { return [] }
    guard let answer = try? JSONDecoder().decode(Answer.self, from: Data(output.standardOutput.utf8)) else {
      throw NodeWorkError(.storage, "findmnt says about /etc/fstab what can not be read")
    }
    return answer.filesystems.compactMap { row in
      let options = Set((row.options ?? "").split(separator: ",").map(String.init))
      guard let target = row.target, target.hasPrefix("/"), row.fstype != "swap", !options.contains("noauto") else {
        return nil
      }
      return (target, row.source ?? "no source")
    }
  }

  private func dataSets() async throws(NodeWorkError) -> [Missing] {
    let output = try await runner.work(
      Command("zfs", ["list", "-H", "-t", "filesystem", "-o", "name,mountpoint,canmount,mounted"]), .storage)
    return output.standardOutput.split(whereSeparator: \.isNewline).compactMap { line in
      let row = line.split(separator: "\t", omittingEmptySubsequences: false).map(String.init)
      guard row.count == 4, row[1].hasPrefix("/"), row[2] == "on", row[3] == "no" else { return nil }
      return Missing(
        target: row[1], problem: "\(row[1]) is not mounted (the data set \(row[0])); run 'zfs mount \(row[0])'")
    }
  }
}
