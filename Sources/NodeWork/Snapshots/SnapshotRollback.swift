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
  /// How it failed, where that left the stack so that only the operator can say how to go on.
  public var halted: String?

  var label: String { snapshots.first?.label ?? "" }
}

/// What stays of a rollback that was halted, until the operator rolls back again or starts the stack.
struct HaltedRollback: Sendable, Hashable, Codable {
  var schema = 1
  var stack: String
  var problem: String
}

extension NodeSnapshots {
  /// Brings a stack's volumes back. Its services are stopped for that, and start again.
  ///
  /// One that fails is not gone on with later: what is written from then on would be lost without anybody's consent.
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
    for snapshot in found { try await provider(snapshot.provider).checkRollBack(to: snapshot) }
    let rollback = SnapshotRollback(snapshots: found, origins: origins, services: try await project.running())
    try record(rollback)
    if !rollback.services.isEmpty {
      do {
        try await project.stop(rollback.services)
      } catch {
        throw await givenUp(rollback, stack.name, error, project, record)
      }
    }
    try await carryOut(rollback, stack: stack.name, project: project, record: record)
    return found
  }

  /// One that was cut off, from where it stands.
  func goOn(
    with rollback: SnapshotRollback, stack: String, project: ComposeProject,
    record: (SnapshotRollback?) throws(NodeWorkError) -> Void
  ) async throws(NodeWorkError) {
    if rollback.done < rollback.snapshots.count {
      let running = try await project.running()
      if !running.isEmpty { try await project.stop(running) }
    }
    try await carryOut(rollback, stack: stack, project: project, record: record)
  }

  /// With the services stopped; those that ran before run at the end.
  private func carryOut(
    _ started: SnapshotRollback, stack: String, project: ComposeProject,
    record: (SnapshotRollback?) throws(NodeWorkError) -> Void
  ) async throws(NodeWorkError) {
    var rollback = started
    for (snapshot, origin) in zip(rollback.snapshots, rollback.origins).dropFirst(rollback.done) {
      do {
        try await provider(origin.provider).rollBack(to: snapshot, mountPoint: origin.mountPoint)
      } catch  where error.kind == .unfinished || rollback.done > 0 {
        throw halted(rollback, stack, error, record)
      } catch {
        throw await givenUp(rollback, stack, error, project, record)
      }
      rollback.done += 1
      try record(rollback)
    }
    do {
      if !rollback.services.isEmpty { try await project.resume(rollback.services) }
    } catch {
      try record(nil)
      throw NodeWorkError(
        error.kind, "\(stack) is back at “\(rollback.label)”, but \(error.problem)", advice: error.advice)
    }
    try record(nil)
  }

  /// Nothing went back: services run again on what is there.
  private func givenUp(
    _ rollback: SnapshotRollback, _ stack: String, _ failure: NodeWorkError, _ project: ComposeProject,
    _ record: (SnapshotRollback?) throws(NodeWorkError) -> Void
  ) async -> NodeWorkError {
    var text = "\(stack) did not go back to “\(rollback.label)”, and is as it was: \(failure.problem)"
    do {
      // First: whatever comes of the start, nothing goes back later.
      try record(nil)
      if !rollback.services.isEmpty { try await project.resume(rollback.services) }
    } catch {
      text += "; and \(error.problem)"
    }
    return NodeWorkError(failure.kind, text, advice: failure.advice ?? "mend that, and roll back again")
  }

  /// Some of it went back, or a file system is not mounted: services would write to what does not fit together, or below
  /// a mount point.
  private func halted(
    _ rollback: SnapshotRollback, _ stack: String, _ failure: NodeWorkError,
    _ record: (SnapshotRollback?) throws(NodeWorkError) -> Void
  ) -> NodeWorkError {
    let names = rollback.origins.map(\.name)
    let back = names.prefix(rollback.done).joined(separator: ", ")
    let open = names.dropFirst(rollback.done).joined(separator: ", ")
    var text = "the rollback of \(stack) to “\(rollback.label)” failed half way: "
    text += back.isEmpty ? "" : "\(back) went back, \(open) did not: "
    text += "\(failure.problem); its services stay stopped"
    var halted = rollback
    halted.halted = text
    do {
      try record(halted)
    } catch {
      text += "; and \(error.problem)"
    }
    return NodeWorkError(
      .unfinished, text,
      advice: "see that its file systems are mounted ('bootstead-agent storage apply' mounts a stack's own), then roll "
        + "back again, or start it as it is with 'bootstead-agent stacks start \(stack)'")
  }
}
