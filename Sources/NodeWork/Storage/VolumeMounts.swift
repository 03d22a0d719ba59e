import ProgramRunner
import StackSet

/// Refuses to lay a stack's data down on the file system beneath the one that is declared for it.
///
/// A disk that died, or came too late, leaves an empty mount point. Services that start there begin anew: their first user
/// is whoever comes first, and backups hold empty archives. Where nothing is declared, such as on a machine whose data
/// lies on its only disk, nothing is refused.
struct VolumeMounts: Sendable {
  /// Mount points that `/etc/fstab` has, with what belongs there.
  let declared: [(target: String, source: String)]
  let runner: any CommandRunner

  static func read(_ runner: any CommandRunner) async throws(NodeWorkError) -> VolumeMounts {
    VolumeMounts(declared: try await MountAudit.declared(runner), runner: runner)
  }

  /// - Throws: kind `storage`, for the first volume that does not lie where it should.
  func check(_ volumes: [StackVolume], of stack: String) async throws(NodeWorkError) {
    for volume in volumes {
      let holding = declared.filter { BackupRun.path(volume.path, below: $0.target) != nil }
      guard let wanted = holding.max(by: { $0.target.utf8.count < $1.target.utf8.count }), wanted.target != "/" else {
        continue
      }
      let mounted = try await MountedFileSystem.holding(DurableFile.nearest(volume.path), runner: runner)
      // Also where the stack has a file system of its own below it.
      if BackupRun.path(mounted.target, below: wanted.target) != nil { continue }
      // A link may lead elsewhere from there.
      if try await MountedFileSystem.isMountPoint(wanted.target, runner: runner) { continue }
      throw NodeWorkError(
        .storage,
        "\(wanted.target) is not mounted (\(wanted.source)), and \(stack) keeps \(volume.name) on it: it is not started, as "
          + "it would begin anew on \(mounted.target)",
        advice:
          "run 'mount \(wanted.target)', see 'journalctl -b' for why, and then 'bootstead-agent stacks apply'; where "
          + "the disk is gone for good, take its mount out of the machine's storage")
    }
  }
}
