import ProgramRunner
import StackSet

/// Looks for damage: by a scrub on ZFS, which has checksums of all data; on LVM by the file systems' own checkers, over a
/// snapshot, while they are in use.
public struct StorageScrub: Sendable {
  /// What became of one pool or file system.
  public struct Finding: Sendable, Hashable, Codable {
    public var name: String
    public var isDamaged: Bool
    /// Whether it could not be looked at, which says nothing of it.
    public var isUnchecked = false
    public var text: String
  }

  /// What the checkers of LVM's file systems do not see.
  public static let limits =
    "LVM keeps no checksums of data: the file systems' structure was checked, and not what is in the files; "
    + "'backup check --verify-data' reads copies"

  let snapshots: NodeSnapshots
  let engine: SnapshotEngine
  let runner: any CommandRunner

  public init(snapshots: NodeSnapshots, engine: SnapshotEngine, runner: any CommandRunner) {
    self.snapshots = snapshots
    self.engine = engine
    self.runner = runner
  }

  /// - Parameter name: a pool; all where there is none.
  public func scrub(_ name: String?) async throws(NodeWorkError) -> [Finding] {
    let pools = try await snapshots.pools()
    if let name, !pools.contains(where: { $0.name == name }) {
      throw NodeWorkError(
        .unknownStack, "there is no pool “\(name)”", advice: "there are \(pools.map(\.name).joined(separator: ", "))")
    }
    var findings: [Finding] = []
    for pool in pools where name == nil || pool.name == name {
      switch pool.provider {
      case .zfs: findings.append(try await scrubZFS(pool.name))
      case .thin: findings += try await check(pool.name)
      }
    }
    return findings
  }

  private func scrubZFS(_ pool: String) async throws(NodeWorkError) -> Finding {
    let status = try await ZFSPoolStatus.read(pool, runner)
    // What a power cut interrupted goes on by itself.
    if !status.isScrubbing { try await runner.work(Command("zpool", ["scrub", pool]), .storage) }
    let what = status.isScrubbing ? "is being scrubbed already: \(status.scan)" : "is being scrubbed from now on"
    return Finding(name: pool, isDamaged: false, text: "\(pool) \(what); its result is in 'storage show'")
  }

  /// Of each stack's own file systems in a pool.
  private func check(_ pool: String) async throws(NodeWorkError) -> [Finding] {
    var findings: [Finding] = []
    var seen: Set<String> = []
    for stack in engine.set.stacks {
      let volumes = stack.volumes.filter { !$0.isShared && DurableFile.exists($0.path) }
      var isHere = false
      for volume in volumes {
        let mounted = try await MountedFileSystem.holding(volume.path, runner: runner)
        for provider in snapshots.providers where provider.kind == .thin {
          if let origin = try await provider.origin(of: mounted), origin.pool == pool, !seen.contains(origin.name) {
            isHere = true
          }
        }
      }
      guard isHere else { continue }
      let found: [Finding]
      do {
        found = try await checkVolumes(of: stack)
      } catch {
        // A backup may be at work on this one; the others are looked at.
        found = [
          Finding(
            name: stack.name, isDamaged: false, isUnchecked: true, text: "\(stack.name) was not checked: \(error)")
        ]
      }
      for finding in found where seen.insert(finding.name).inserted { findings.append(finding) }
    }
    return findings
  }

  private func checkVolumes(of stack: CompiledStack) async throws(NodeWorkError) -> [Finding] {
    let runner = runner
    return try await engine.withCheckSnapshots(stack) { made async throws(NodeWorkError) in
      var findings: [Finding] = []
      for snapshot in made where snapshot.provider == .thin {
        findings.append(try await Self.check(snapshot, runner))
      }
      return findings
    }
  }

  private static func check(
    _ snapshot: Snapshot, _ runner: any CommandRunner
  ) async throws(NodeWorkError) -> Finding {
    let device = "/dev/" + snapshot.name
    // Both only look: -n. The snapshot was made of a file system at rest, so that its journal is empty.
    var command =
      snapshot.fileSystem == "xfs"
      ? Command("xfs_repair", ["-n", device], timeout: .seconds(12 * 3600))
      : Command("e2fsck", ["-f", "-n", device], timeout: .seconds(12 * 3600))
    // e2fsck: 4 and more is damage that stays, 8 and more that it could not work. xfs_repair: 1 is damage.
    command.acceptedCodes = snapshot.fileSystem == "xfs" ? [0, 1] : [0, 4]
    let output = try await runner.work(command, .storage)
    let last = output.standardOutput.split(whereSeparator: \.isNewline).suffix(3).joined(separator: " / ")
    return Finding(
      name: snapshot.origin, isDamaged: output.code != 0,
      text: output.code == 0
        ? "\(snapshot.origin): its \(snapshot.fileSystem) is whole"
        : "\(snapshot.origin): its \(snapshot.fileSystem) is damaged: \(last); stop \(snapshot.stack), unmount it, and "
          + "see '\(snapshot.fileSystem == "xfs" ? "xfs_repair" : "e2fsck")'")
  }
}
