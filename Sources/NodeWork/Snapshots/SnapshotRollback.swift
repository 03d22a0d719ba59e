import ProgramRunner
import StackSet

/// A rollback under way: enough to go on with it after a kill or a power cut.
public struct SnapshotRollback: Sendable, Hashable, Codable {
  public var snapshots: [Snapshot]
  /// Of each snapshot. A volume that is not mounted just now could not be found again.
  public var origins: [SnapshotOrigin]
  /// Those that ran before.
  public var services: [String]
  /// How many of the origins are back.
  public var done = 0
}

extension NodeSnapshots {
  /// Brings a stack's volumes back. Its services are stopped for that, and start again.
  /// - Parameter record: is told where the rollback stands, before each step; nil when it has ended.
  public func rollBack(
    stack: CompiledStack, label: String, project: ComposeProject, others: [CompiledStack],
    record: (SnapshotRollback?) throws(NodeWorkError) -> Void = { _ in }
  ) async throws(NodeWorkError) -> [Snapshot] {
    let found = try await named(stack: stack.name, label: label)
    var origins: [SnapshotOrigin] = []
    for snapshot in found {
      guard let origin = try await self.origins(of: stack.volumes).first(where: { $0.name == snapshot.origin }) else {
        throw NodeWorkError(.storage, "\(stack.name) does not lie on \(snapshot.origin) any more")
      }
      for other in others where other.name != stack.name {
        guard try await !self.origins(of: other.volumes).contains(origin) else {
          throw NodeWorkError(
            .storage, "\(origin.name) also holds data of \(other.name), which would go back as well",
            advice: "restore single files from it instead, or from a backup")
        }
      }
      origins.append(origin)
    }
    let rollback = SnapshotRollback(snapshots: found, origins: origins, services: try await project.running())
    try record(rollback)
    try await goOn(with: rollback, stack: stack.name, project: project, record: record)
    return found
  }

  /// From where it stands; services that ran before run at the end.
  func goOn(
    with started: SnapshotRollback, stack: String, project: ComposeProject,
    record: (SnapshotRollback?) throws(NodeWorkError) -> Void
  ) async throws(NodeWorkError) {
    var rollback = started
    if rollback.done < rollback.snapshots.count {
      let running = try await project.running()
      if !running.isEmpty { try await project.stop(running) }
    }
    for (snapshot, origin) in zip(rollback.snapshots, rollback.origins).dropFirst(rollback.done) {
      do {
        try await provider(origin.provider).rollBack(to: snapshot, mountPoint: origin.mountPoint)
      } catch {
        // Started now, they might write below a mount point that nothing is mounted on.
        throw NodeWorkError(
          error.kind,
          "\(origin.name) did not go back, and the services of \(stack) stay stopped: \(error.problem)",
          advice: error.advice ?? "see that \(origin.mountPoint) is mounted, and try again or start \(stack)")
      }
      rollback.done += 1
      try record(rollback)
    }
    if !rollback.services.isEmpty { try await project.resume(rollback.services) }
    try record(nil)
  }
}
