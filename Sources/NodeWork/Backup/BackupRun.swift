import FoundationEssentials
import ProgramRunner
import StackSet

/// One run for one stack: probe ▶ dump or stop ▶ snapshot ▶ start ▶ mount ▶ copy ▶ drop ▶ prune ▶ check when due.
struct BackupRun {
  let engine: BackupEngine
  let stack: CompiledStack
  let planName: String
  let plan: BackupPlan
  let settings: RepositoryPlan
  let repository: any BackupRepository

  private var project: ComposeProject
  private var journal: BackupJournal
  /// While services stand still.
  private var standstill: FileLock?
  private var result: BackupResult
  private var folders: NodeFolders { engine.folders }

  init(
    engine: BackupEngine, stack: CompiledStack, planName: String, plan: BackupPlan, settings: RepositoryPlan,
    repository: any BackupRepository, run: String
  ) throws(NodeWorkError) {
    let runner = MarkedRunner(run: run, runner: engine.runner)
    self.engine = engine
    self.stack = settings.copied(stack)
    self.planName = planName
    self.plan = plan
    self.settings = settings
    self.repository = repository.run(by: runner)
    project = try engine.project(stack, runner: runner)
    let now = Date.now
    journal = BackupJournal(run: run, stack: stack.name, plan: planName, tier: plan.tier, started: now)
    result = BackupResult(
      run: run, stack: stack.name, plan: planName, tier: plan.tier, started: now, ended: now, outcome: .failed)
  }

  /// The caller holds the stack's lock, and has recovered what an earlier run left.
  mutating func run() async throws(NodeWorkError) -> BackupResult {
    var failure: NodeWorkError?
    defer { standstill?.release() }
    do {
      try await work()
    } catch {
      failure = error
      result.step = journal.step.rawValue
    }
    do {
      try await undo()
    } catch {
      // The journal stays: the next start goes on with it.
      result.notes.append("\(error)")
      failure = failure ?? error
      result.step = result.step ?? BackupJournal.Step.drop.rawValue
      try record(failure)
      return result
    }
    if failure == nil {
      do {
        try await tidyRepository()
      } catch {
        failure = error
        result.step = journal.step.rawValue
      }
    }
    try record(failure)
    try DurableFile.remove(folders.journal(stack.name))
    return result
  }

  private mutating func record(_ failure: NodeWorkError?) throws(NodeWorkError) {
    result.ended = .now
    result.outcome = failure == nil ? .succeeded : .failed
    result.problem = failure.map { "\($0)" }
    var history = try BackupHistory.read(stack.name, folders)
    history.add(result)
    try history.write(stack.name, folders)
  }

  private mutating func enter(
    _ step: BackupJournal.Step, _ change: (inout BackupJournal) -> Void = { _ in }
  ) throws(NodeWorkError) {
    journal.step = step
    change(&journal)
    try DurableFile.writeJSON(journal, to: folders.journal(stack.name))
  }

  private mutating func work() async throws(NodeWorkError) {
    let volumes = stack.volumes.filter(\.isBackedUp)
    // All that can be refused is refused before a service stands still.
    try enter(.probe) { $0.hasUsedRepository = true }
    let origins = try await engine.snapshots.origins(of: volumes)
    try await engine.snapshots.checkRoom(for: origins)
    try await repository.probe()
    let source = folders.source(stack.name)
    try DurableFile.makeFolder(source + "/dump")
    try await layDescription(in: source + "/stack")

    let running = try await project.running()
    var began: ContinuousClock.Instant?
    switch stack.backup.quiesce {
    case .none: break
    case .dump: try await dump(running, to: source + "/dump")
    case .stop where !running.isEmpty:
      standstill = try await ServicesLock.take(stack.name, folders, by: engine.lock)
      try enter(.stop) {
        $0.services = running
        $0.isStopping = true
      }
      began = .now
      try await project.stop(running)
      journal.isStopping = nil
    case .pause where !running.isEmpty:
      standstill = try await ServicesLock.take(stack.name, folders, by: engine.lock)
      try enter(.stop) { $0.services = running }
      began = .now
      try await project.pause(running)
    case .stop, .pause: result.notes.append("the stack did not run")
    }

    let made = origins.map { $0.snapshot(.backup, stack: stack.name, label: journal.run) }
    try enter(.snapshot) { $0.snapshots = made }
    for snapshot in made { try await engine.snapshots.provider(snapshot.provider).create(snapshot) }

    if let began {
      try enter(.start)
      try await project.resume(journal.services)
      let time = ContinuousClock.now - began
      result.downtimeSeconds = Double(time.components.seconds) + Double(time.components.attoseconds) / 1e18
      try enter(.start) { $0.services = [] }
      standstill?.release()
      standstill = nil
    }
    try await mount(volumes, of: zip(origins, made).map { ($0, $1) }, in: source + "/volumes")
    try await copy(source)
  }

  /// What the stack consisted of, beside its data.
  private mutating func layDescription(in folder: String) async throws(NodeWorkError) {
    for name in DurableFile.children(of: folder) { try DurableFile.remove(folder + "/" + name) }
    try DurableFile.write(Array(stack.compose.utf8), to: folder + "/compose.yaml")
    try DurableFile.writeJSON(stack, to: folder + "/stack.json")
    do {
      try DurableFile.writeJSON(try await engine.diskSizes(of: stack), to: folder + "/" + DiskSizes.file)
    } catch {
      // The data is worth more than the size of what it lay on.
      result.notes.append("the archive does not tell how large the volumes are: \(error)")
    }
  }

  private mutating func dump(_ running: [String], to folder: String) async throws(NodeWorkError) {
    if running.isEmpty {
      // At rest, its files are whole.
      result.notes.append("the stack did not run: no dump, only its files")
      return
    }
    try enter(.dump)
    for hook in stack.backup.dump {
      guard running.contains(hook.service) else {
        throw NodeWorkError(
          .dump, "\(stack.name)/\(hook.service) does not run, so that it can not dump \(hook.output)",
          advice: "start it, or stop the whole stack")
      }
      let file = folder + "/" + hook.output
      _ = try await project.execute(hook.service, hook.command, output: file)
      guard let bytes = FileSize.bytes(of: file), bytes > 0 else {
        throw NodeWorkError(
          .dump, "the dump \(hook.output) of \(stack.name)/\(hook.service) is empty",
          advice: "see what '\(hook.command.joined(separator: " "))' prints in the container")
      }
    }
  }

  private mutating func mount(
    _ volumes: [StackVolume], of taken: [(SnapshotOrigin, Snapshot)], in folder: String
  ) async throws(NodeWorkError) {
    let runner = project.runner
    for (number, (origin, snapshot)) in taken.enumerated() {
      let path = folders.mounts(stack.name) + "/\(number)"
      try DurableFile.makeFolder(path)
      try enter(.mount) { $0.mounts.append(path) }
      try await runner.work(engine.snapshots.provider(snapshot.provider).mount(snapshot, at: path), .storage)
      for volume in volumes {
        // The deepest of several file systems holds it.
        guard let below = Self.path(volume.path, below: origin.mountPoint),
          !taken.contains(where: {
            $0.0.mountPoint.utf8.count > origin.mountPoint.utf8.count
              && Self.path(volume.path, below: $0.0.mountPoint) != nil
          })
        else { continue }
        let target = folder + "/" + volume.name
        try DurableFile.makeFolder(target)
        try enter(.mount) { $0.mounts.append(target) }
        try await runner.work(Command("mount", ["--bind", path + below, target]), .storage)
      }
    }
  }

  /// - Returns: empty or with a slash in front; nil where it is not below.
  static func path(_ path: String, below folder: String) -> String? {
    if path == folder { return "" }
    let folder = folder == "/" ? "" : folder
    return path.hasPrefix(folder + "/") ? String(path.dropFirst(folder.count)) : nil
  }

  private mutating func copy(_ source: String) async throws(NodeWorkError) {
    try enter(.create)
    let made = try await repository.create(
      "\(stack.name)-\(journal.run)", of: DurableFile.children(of: source), in: source,
      exclude: settings.exclude + stack.backup.exclude.map { "volumes/" + $0 })
    result.archive = made.archive
    result.originalBytes = made.originalBytes
    result.addedBytes = made.addedBytes
    result.files = made.files
    result.notes += made.warnings
  }

  /// Before pruning and checking, which may take hours: snapshots fill the pool as services write.
  private mutating func undo() async throws(NodeWorkError) {
    try await BackupUndo(folders: folders, snapshots: engine.snapshots, runner: project.runner).undo(
      journal, project: project)
    journal.services = []
    journal.isStopping = nil
    journal.mounts = []
    journal.snapshots = []
    standstill?.release()
    standstill = nil
    try enter(journal.step)
  }

  private mutating func tidyRepository() async throws(NodeWorkError) {
    let history = try BackupHistory.read(stack.name, folders)
    let checked = history.checked[planName]
    // Runs begin some minutes earlier or later than a day ago.
    let slack = 7200.0
    let isCheckDue = checked.map { Date.now.timeIntervalSince($0) >= settings.checkSeconds - slack } ?? true
    if settings.isPrunedByRuns {
      try enter(.prune)
      if try await history.awaitsRestore(of: stack.name, from: repository, run: journal.run) {
        result.notes.append(
          "no archive was removed: this system is new, and its repository holds archives of an earlier one that may "
            + "still have to be restored")
      } else {
        result.notes += try await repository.prune(
          settings.retention(of: stack.name), stack: stack.name, freesSpace: isCheckDue)
      }
    }
    guard isCheckDue else { return }
    try enter(.check)
    try await repository.check(verifyData: false)
    result.isChecked = true
  }
}
