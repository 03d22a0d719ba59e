import FoundationEssentials
import Glibc
import ProgramRunner
import StackSet

/// One run of a plan that copies folders as a whole: guard ▶ dump ▶ snapshot ▶ lay out ▶ copy ▶ drop.
///
/// Services run on. What is read from a snapshot is what a power cut would have left, all of one moment; a file system of
/// which there are no snapshots is read while it is written to.
struct FolderRun {
  let engine: BackupEngine
  let plan: BackupPlan
  let name: String
  let paths: [String]
  /// Whose databases are dumped before.
  let dumping: [CompiledStack]
  let copier: any FolderCopier
  let runner: MarkedRunner

  var journal: BackupJournal
  /// By path.
  var failures: [String: NodeWorkError] = [:]
  /// By stack.
  var stackFailures: [String: NodeWorkError] = [:]
  var copies = FolderCopies()
  /// By path.
  var notes: [String: [String]] = [:]
  private var locks: [FileLock] = []

  var folders: NodeFolders { engine.folders }
  var run: String { journal.run }
  /// The plan's place beside those of stacks.
  private var work: String { journal.stack }

  /// - Parameter copier: is given the runner by which its programs run.
  init(
    engine: BackupEngine, plan: BackupPlan, name: String, paths: [String], dumpsFirst: Bool, run: String,
    copier: any FolderCopier
  ) {
    self.engine = engine
    self.plan = plan
    self.name = name
    self.paths = paths.map { $0.count > 1 && $0.hasSuffix("/") ? String($0.dropLast()) : $0 }
    self.copier = copier
    runner = MarkedRunner(run: run, runner: engine.runner)
    dumping = dumpsFirst ? engine.set.stacks.filter { plan.stacks.contains($0.name) && !$0.backup.dump.isEmpty } : []
    journal = BackupJournal(
      run: run, stack: engine.folders.plan(name), plan: name, tier: plan.tier, started: .now)
    journal.stacks = covered.map(\.name)
  }

  /// The stacks all of whose data is in the folders.
  var covered: [CompiledStack] { engine.set.stacks.filter { plan.holds($0, source: { _ in nil }) } }

  mutating func enter(
    _ step: BackupJournal.Step, _ change: (inout BackupJournal) -> Void = { _ in }
  ) throws(NodeWorkError) {
    journal.step = step
    change(&journal)
    try DurableFile.writeJSON(journal, to: folders.journal(work))
  }

  /// The caller holds the plan's lock, and has recovered what an earlier run left.
  mutating func carryOut(_ configuration: BackupConfiguration) async throws(NodeWorkError) {
    defer { for lock in locks { lock.release() } }
    var failure: NodeWorkError?
    do {
      try await copyAll(configuration)
    } catch {
      failure = error
    }
    let step = journal.step
    // Where it throws, the journal stays: the next start goes on with it.
    try await BackupUndo(folders: folders, snapshots: engine.snapshots, runner: runner).undo(journal, project: nil)
    try DurableFile.remove(folders.journal(work))
    journal.step = step
    if let failure { throw failure }
  }

  private mutating func copyAll(_ configuration: BackupConfiguration) async throws(NodeWorkError) {
    try enter(.probe)
    let missing = try await MountAudit(set: engine.set, snapshots: engine.snapshots, runner: runner).missingMounts()
    try await copier.probe(paths: paths, missing: missing)
    for path in paths {
      do {
        try Self.checkSource(path, missing)
      } catch {
        failures[path] = error
      }
    }
    let good = paths.filter { failures[$0] == nil }
    guard !good.isEmpty else { return }
    // A restore exchanges whole volumes: no copy of a stack is made while it, or another run, is at work on it.
    let stacks = engine.set.stacks.filter { covered.contains($0) || dumping.contains($0) }
    for stack in stacks {
      do {
        try await engine.waitForEnd(of: stack.name)
      } catch {
        stackFailures[stack.name] = error
      }
    }
    for stack in stacks where stackFailures[stack.name] == nil {
      do {
        locks.append(try engine.lock(folders.lock(stack.name), stack.name))
        try await engine.recover(stack.name, configuration)
      } catch {
        stackFailures[stack.name] = error
      }
    }
    let dumps = try await dump()
    var tree = FolderTree(engine: engine, runner: runner, plan: name, run: run)
    let ready = try await tree.layOut(good, in: folders.mounts(work), journal: &journal, at: folders.journal(work))
    failures.merge(tree.failures) { first, _ in first }
    notes = tree.notes
    if tree.live.isEmpty {
      // All is of the moment that is past: who waits for a stack need not wait for the copy.
      for lock in locks { lock.release() }
      locks = []
    }
    try enter(.create)
    copies = await copier.copy(ready, dumps: dumps)
    failures.merge(copies.failures) { first, _ in first }
    stackFailures.merge(copies.dumpFailures) { first, _ in first }
    if let later = copies.later {
      try enter(.prune)
      throw later
    }
  }

  /// - Throws: where a source is not what it should be: an empty one would empty its copy.
  static func checkSource(_ path: String, _ missing: [MountAudit.Missing]) throws(NodeWorkError) {
    var status = stat()
    guard path.hasPrefix("/"), lstat(path, &status) == 0 else {
      throw NodeWorkError(
        .file, "\(path) is not there, so that it is not copied", advice: "mount it, or take it out of the plan")
    }
    guard status.st_mode & S_IFMT == S_IFDIR else {
      throw NodeWorkError(.file, "\(path) is no folder", advice: "name folders by their own paths, not by links")
    }
    try BackupEngine.expectMounted(path, missing: missing)
    guard DurableFile.children(of: path).contains(where: { $0 != "lost+found" }) else {
      throw NodeWorkError(
        .file, "\(path) is empty, so that it is not copied: its copy would be emptied",
        advice: "see whether its disk is mounted ('findmnt --target \(path)')")
    }
  }

  private mutating func dump() async throws(NodeWorkError) -> [ReadyDumps] {
    let root = folders.source(work)
    var made: [ReadyDumps] = []
    for stack in dumping where stackFailures[stack.name] == nil {
      let folder = "\(root)/\(ReadyDumps.folder)/\(stack.name)"
      do {
        let project = try engine.project(stack, runner: runner)
        if try await project.running().isEmpty {
          // At rest, its files are whole.
          engine.say("\(stack.name): the stack does not run: no dump, only its files")
          continue
        }
        let files = stack.backup.dump.map { folder + "/" + $0.output }
        // Of others, that were dumped by another version of the stack, nothing may be left.
        let old = DurableFile.children(of: folder).map { folder + "/" + $0 }
        try enter(.dump) { $0.files = ($0.files ?? []) + files + old }
        _ = try await StackDumps(stack: stack, project: project).write(to: folder)
        made.append(ReadyDumps(stack: stack.name, root: root))
      } catch {
        stackFailures[stack.name] = error
      }
    }
    return made
  }
}

extension BackupEngine {
  /// - Parameter copier: is made for the runner of the run.
  func runFolders(
    _ paths: [String], dumpsFirst: Bool = false, plan: BackupPlan, name: String, _ configuration: BackupConfiguration,
    copier: (String, any CommandRunner) throws(NodeWorkError) -> any FolderCopier
  ) async -> [BackupResult] {
    let work = folders.plan(name)
    let identifier = Self.runIdentifier()
    let started = Date.now
    var failure: NodeWorkError?
    var run: FolderRun?
    do {
      let made = FolderRun(
        engine: self, plan: plan, name: name, paths: paths, dumpsFirst: dumpsFirst, run: identifier,
        copier: try copier(identifier, MarkedRunner(run: identifier, runner: runner)))
      run = made
      let held = try lock(folders.lock(work), "the plan \(name)")
      defer { held.release() }
      try await recover(work, configuration)
      say("\(name): copying \(paths.joined(separator: ", ")) to \(made.copier.target)")
      try await run?.carryOut(configuration)
    } catch {
      failure = error
    }
    let template = BackupResult(
      run: identifier, stack: "", plan: name, tier: plan.tier, started: started, ended: .now, outcome: .failed)
    var results: [BackupResult] = []
    for result in FolderResults(run: run, paths: paths, failure: failure, template: template).all(in: set, plan) {
      results.append(record(result, of: result.stack.hasPrefix("/") ? work : nil))
    }
    return results
  }
}
