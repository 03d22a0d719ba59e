import FoundationEssentials
import ProgramRunner
import StackSet

/// Backs stacks up, restores them, and cleans up after runs that were killed.
public struct BackupEngine: Sendable {
  let folders: NodeFolders
  let set: StackSet
  let snapshots: NodeSnapshots
  let runner: any CommandRunner
  let say: @Sendable (String) -> Void
  /// Takes the lock of a stack.
  let lock: @Sendable (_ path: String, _ holder: String) throws(NodeWorkError) -> FileLock
  /// How long runs of plans, prunes and tests of restores wait for a stack that another process works on.
  let lockWait: Duration

  /// - Parameters:
  ///   - lockWait: for a stack that another process works on; by default none, as somebody waits for the answer.
  ///   - say: is told what is done, a line at a time.
  public init(
    folders: NodeFolders = NodeFolders(), set: StackSet, snapshots: NodeSnapshots, runner: any CommandRunner,
    lockWait: Duration = .zero,
    lock: @escaping @Sendable (String, String) throws(NodeWorkError) -> FileLock = {
      (path, holder) throws(NodeWorkError) in try FileLock.acquire(path, holder: holder)
    }, say: @escaping @Sendable (String) -> Void
  ) {
    self.folders = folders
    self.set = set
    self.snapshots = snapshots
    self.runner = runner
    self.lock = lock
    self.lockWait = lockWait
    self.say = say
  }

  package var snapshotEngine: SnapshotEngine {
    SnapshotEngine(folders: folders, set: set, snapshots: snapshots, runner: runner, lock: lock, say: say)
  }

  func project(_ stack: CompiledStack, runner: (any CommandRunner)? = nil) throws(NodeWorkError) -> ComposeProject {
    try ComposeProject(stack: stack, set: set, folders: folders, runner: runner ?? self.runner)
  }

  // MARK: After a kill

  /// Takes back what killed runs left behind.
  /// - Parameter configuration: where there is one, locks in repositories are freed too.
  /// - Returns: the results of the runs that were interrupted.
  @discardableResult
  public func recover(_ configuration: BackupConfiguration?) async throws(NodeWorkError) -> [BackupResult] {
    var results: [BackupResult] = []
    var failures: [NodeWorkError] = []
    for stack in DurableFile.children(of: folders.backups) {
      let journals = [
        folders.journal(stack), folders.snapshotJournal(stack), folders.scratchJournal(stack),
        folders.restoreJournal(stack),
      ]
      guard journals.contains(where: DurableFile.exists) else { continue }
      do {
        let held = try lock(folders.lock(stack), stack)
        defer { held.release() }
        if let result = try await recover(stack, configuration) { results.append(result) }
      } catch  where error.kind == .locked {
        // That run is alive.
        continue
      } catch {
        failures.append(error)
      }
    }
    if let first = failures.first {
      throw failures.count == 1
        ? first : NodeWorkError(.unfinished, failures.map { "\($0)" }.joined(separator: "; "), advice: first.advice)
    }
    return results
  }

  /// The caller holds the stack's lock.
  @discardableResult
  func recover(_ stack: String, _ configuration: BackupConfiguration?) async throws(NodeWorkError) -> BackupResult? {
    try await recoverRestore(stack)
    try await snapshotEngine.recover(stack)
    try await removeScratchCopy(stack)
    guard let journal = try DurableFile.value(BackupJournal.self, at: folders.journal(stack)) else { return nil }
    say("\(stack): the run \(journal.run) was interrupted at '\(journal.step.rawValue)'; cleaning up")
    try await RunProcesses.end(run: journal.run)
    var project: ComposeProject?
    if !journal.services.isEmpty, let known = set.stacks.first(where: { $0.name == stack }) {
      project = try self.project(known)
    }
    let services = project == nil ? nil : try await ServicesLock.take(stack, folders, by: lock)
    defer { services?.release() }
    try await BackupUndo(folders: folders, snapshots: snapshots, runner: runner).undo(journal, project: project)
    services?.release()
    // A disk in a drawer is not there now: its next run frees the lock.
    if journal.hasUsedRepository, let configuration, let plan = configuration.plans[journal.plan], plan.hasArchives {
      do {
        try await repository(of: stack, plan: plan, configuration: configuration).breakLock()
      } catch  where error.kind == .repositoryMissing {
        // No lock either.
      } catch {
        // The node is clean. A lock that stays is met, and named, by the next run.
        say("\(stack): the repository's lock could not be freed: \(error)")
      }
    }
    var history = try BackupHistory.read(stack, folders)
    var result: BackupResult?
    if !history.results.contains(where: { $0.run == journal.run }) {
      let made = BackupResult(
        run: journal.run, stack: stack, plan: journal.plan, tier: journal.tier, started: journal.started, ended: .now,
        outcome: .interrupted, step: journal.step.rawValue,
        problem: "the agent was killed, or the machine stopped")
      history.add(made)
      try history.write(stack, folders)
      result = made
    }
    try recordInterrupted(journal)
    try DurableFile.remove(folders.journal(stack))
    return result
  }
}
