import FoundationEssentials
import ProgramRunner
import StackSet

/// Makes, keeps and drops snapshots of stacks, so that none is left behind by a failure, a kill or a power cut.
public struct SnapshotEngine: Sendable {
  let folders: NodeFolders
  let set: StackSet
  let snapshots: NodeSnapshots
  let runner: any CommandRunner
  /// Takes the lock of a stack.
  let lock: @Sendable (_ path: String, _ holder: String) throws(NodeWorkError) -> FileLock
  let say: @Sendable (String) -> Void

  public init(
    folders: NodeFolders = NodeFolders(), set: StackSet, snapshots: NodeSnapshots, runner: any CommandRunner,
    lock: @escaping @Sendable (String, String) throws(NodeWorkError) -> FileLock = {
      (path, holder) throws(NodeWorkError) in try FileLock.acquire(path, holder: holder)
    }, say: @escaping @Sendable (String) -> Void
  ) {
    self.folders = folders
    self.set = set
    self.snapshots = snapshots
    self.runner = runner
    self.lock = lock
    self.say = say
  }

  // MARK: Making

  /// By hand: it stays until it is destroyed by hand.
  public func create(_ stack: String, label: String) async throws(NodeWorkError) -> [Snapshot] {
    let stack = try set.stack(stack)
    let held = try lock(folders.lock(stack.name), stack.name)
    defer { held.release() }
    try await recover(stack.name)
    return try await make(stack, label: label, purpose: .manual)
  }

  /// By a plan; afterwards those that its retention does not keep are dropped.
  /// - Returns: what was made, and what was dropped.
  public func createScheduled(
    _ stack: String, label: String, retention: Retention
  ) async throws(NodeWorkError) -> (made: [Snapshot], removed: [Snapshot]) {
    let stack = try set.stack(stack)
    let held = try lock(folders.lock(stack.name), stack.name)
    defer { held.release() }
    try await recover(stack.name)
    let made = try await make(stack, label: label, purpose: .scheduled)
    return (made, try await dropOld(stack.name, retention))
  }

  /// Drops scheduled snapshots that a retention does not keep. Those made by hand stay, and those of backups are the
  /// backups' own.
  /// - Parameter isTrial: says what would be dropped, and drops nothing.
  public func prune(
    _ stack: String, retention: Retention, isTrial: Bool = false
  ) async throws(NodeWorkError) -> [Snapshot] {
    if isTrial { return try await old(stack, retention) }
    let held = try lock(folders.lock(stack), stack)
    defer { held.release() }
    try await recover(stack)
    return try await dropOld(stack, retention)
  }

  /// Does something with snapshots that are dropped afterwards, whatever happens.
  func withCheckSnapshots<Value: Sendable>(
    _ stack: CompiledStack, _ work: ([Snapshot]) async throws(NodeWorkError) -> Value
  ) async throws(NodeWorkError) -> Value {
    let held = try lock(folders.lock(stack.name), stack.name)
    defer { held.release() }
    try await recover(stack.name)
    let journal = folders.snapshotJournal(stack.name)
    _ = try await snapshots.create(stack: stack, label: BackupEngine.runIdentifier(), purpose: .check) {
      (wanted) throws(NodeWorkError) in
      try DurableFile.writeJSON(SnapshotJournal(stack: stack.name, snapshots: wanted), to: journal)
    }
    let made = try DurableFile.value(SnapshotJournal.self, at: journal)?.snapshots ?? []
    let result: Result<Value, NodeWorkError>
    do {
      result = .success(try await work(made))
    } catch {
      result = .failure(error)
    }
    try await recover(stack.name)
    return try result.get()
  }

  private func make(
    _ stack: CompiledStack, label: String, purpose: Snapshot.Purpose
  ) async throws(NodeWorkError) -> [Snapshot] {
    let journal = folders.snapshotJournal(stack.name)
    do {
      let made = try await snapshots.create(stack: stack, label: label, purpose: purpose) {
        (wanted) throws(NodeWorkError) in
        try DurableFile.writeJSON(SnapshotJournal(stack: stack.name, snapshots: wanted), to: journal)
      }
      try DurableFile.remove(journal)
      return made
    } catch {
      // What could not be dropped stays on record.
      if error.kind != .unfinished { try DurableFile.remove(journal) }
      throw error
    }
  }

  private func old(_ stack: String, _ retention: Retention) async throws(NodeWorkError) -> [Snapshot] {
    let mine = try await snapshots.list().filter { $0.purpose == .scheduled && $0.stack == stack }
    let kept = retention.kept(of: mine.map(\.label))
    return mine.filter { !kept.contains($0.label) }
  }

  private func dropOld(_ stack: String, _ retention: Retention) async throws(NodeWorkError) -> [Snapshot] {
    let old = try await old(stack, retention)
    for snapshot in old { try await snapshots.destroy(snapshot) }
    return old
  }

  // MARK: Going back

  public func rollBack(_ name: String, label: String) async throws(NodeWorkError) -> [Snapshot] {
    let stack = try set.stack(name)
    let held = try lock(folders.lock(name), name)
    defer { held.release() }
    try await recover(name)
    let services = try await ServicesLock.take(name, folders, by: lock)
    defer { services?.release() }
    return try await snapshots.rollBack(
      stack: stack, label: label, project: project(stack), others: set.stacks, record: recorder(name))
  }

  /// After a restore: all of the stack's data is of one moment again.
  package static func forgetHalted(_ stack: String, _ folders: NodeFolders) throws(NodeWorkError) {
    try DurableFile.remove(folders.haltedRollback(stack))
  }

  private func recorder(_ name: String) -> (SnapshotRollback?) throws(NodeWorkError) -> Void {
    let path = folders.snapshotJournal(name)
    let halted = folders.haltedRollback(name)
    return { (rollback) throws(NodeWorkError) in
      if let problem = rollback?.halted {
        // Before the journal goes: with both, nothing is gone on with.
        try DurableFile.writeJSON(HaltedRollback(stack: name, problem: problem), to: halted)
        try DurableFile.remove(path)
      } else if let rollback {
        try DurableFile.writeJSON(SnapshotJournal(stack: name, rollback: rollback), to: path)
        try DurableFile.remove(halted)
      } else {
        try DurableFile.remove(path)
      }
    }
  }

  private func project(_ stack: CompiledStack) throws(NodeWorkError) -> ComposeProject {
    try ComposeProject(stack: stack, set: set, folders: folders, runner: runner)
  }

  // MARK: After a kill

  /// Drops snapshots that were being made, and goes on with a rollback that was cut off. The caller holds the stack's
  /// lock.
  func recover(_ name: String) async throws(NodeWorkError) {
    let path = folders.snapshotJournal(name)
    guard let journal = try DurableFile.value(SnapshotJournal.self, at: path) else { return }
    if let rollback = journal.rollback {
      if DurableFile.exists(folders.haltedRollback(name)) {
        try DurableFile.remove(path)
        return
      }
      let services = try await ServicesLock.take(name, folders, by: lock)
      defer { services?.release() }
      say("\(name): going on with the rollback to “\(rollback.label)”")
      try await snapshots.goOn(
        with: rollback, stack: name, project: project(try set.stack(name)), record: recorder(name))
      return
    }
    for snapshot in journal.snapshots { try await snapshots.destroy(snapshot) }
    try DurableFile.remove(path)
  }
}
