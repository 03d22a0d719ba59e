import FoundationEssentials
import ProgramRunner
import StackSet

/// One run of `cold-copy`: look at the disk ▶ mount ▶ a Borg run for each stack ▶ write out ▶ unmount.
struct ColdCopyRun {
  let engine: BackupEngine
  let plan: BackupPlan
  let name: String
  let settings: ColdCopySettings

  private let runner: MarkedRunner
  private(set) var journal: BackupJournal
  private(set) var results: [BackupResult] = []
  private var folders: NodeFolders { engine.folders }
  private var mountPoint: String { folders.mounts(journal.stack) + "/disk" }

  init(engine: BackupEngine, plan: BackupPlan, name: String, settings: ColdCopySettings, run: String) {
    self.engine = engine
    self.plan = plan
    self.name = name
    self.settings = settings
    runner = MarkedRunner(run: run, runner: engine.runner)
    journal = BackupJournal(run: run, stack: engine.folders.plan(name), plan: name, tier: plan.tier, started: .now)
    journal.stacks = stacks.map(\.name)
  }

  /// Those with volumes of the classes, and of them these volumes alone.
  var stacks: [CompiledStack] {
    engine.set.stacks.compactMap { stack in
      var copied = stack
      copied.volumes = stack.volumes.filter { $0.isBackedUp && settings.classes.contains($0.class.rawValue) }
      return copied.volumes.isEmpty ? nil : copied
    }
  }

  /// The caller holds the plan's lock, and has recovered what an earlier run left.
  mutating func carryOut(_ configuration: BackupConfiguration) async throws(NodeWorkError) {
    var failure: NodeWorkError?
    do {
      try await copyAll(configuration)
    } catch {
      failure = error
    }
    let step = journal.step
    // Where it throws, the journal stays: the next start goes on with it.
    do {
      try await BackupUndo(folders: folders, snapshots: engine.snapshots, runner: runner).undo(journal, project: nil)
    } catch {
      throw NodeWorkError(
        .unfinished, [failure.map { "\($0)" }, error.problem].compactMap { $0 }.joined(separator: "; "),
        advice: "leave the disk plugged in, end what uses it, and run 'bootstead-agent backup recover'")
    }
    try DurableFile.remove(folders.journal(journal.stack))
    journal.step = step
    if let failure { throw failure }
  }

  private mutating func enter(_ step: BackupJournal.Step) throws(NodeWorkError) {
    journal.step = step
    try DurableFile.writeJSON(journal, to: folders.journal(journal.stack))
  }

  private mutating func copyAll(_ configuration: BackupConfiguration) async throws(NodeWorkError) {
    try enter(.probe)
    guard !stacks.isEmpty else {
      throw NodeWorkError(
        .configuration, "no stack has data in the classes \(settings.classes.joined(separator: ", "))",
        advice: "name other classes in bootstead.backup.cold-copy.classes")
    }
    let device = ColdDisk(device: settings.device, runner: runner)
    try await device.check()
    try DurableFile.makeFolder(mountPoint)
    journal.mounts = [mountPoint]
    try enter(.mount)
    try await device.mount(at: mountPoint)
    for stack in stacks {
      journal.step = .create
      results.append(await copy(stack, configuration))
    }
    try await runner.work(Command("sync", ["--file-system", mountPoint], timeout: .seconds(3600)), .storage)
  }

  /// One that fails leaves the others alone.
  private func copy(_ stack: CompiledStack, _ configuration: BackupConfiguration) async -> BackupResult {
    do {
      let held = try await engine.patiently { () throws(NodeWorkError) in
        try engine.lock(folders.lock(stack.name), stack.name)
      }
      defer { held.release() }
      try await engine.recover(stack.name, configuration)
      let repository = BorgRepository(
        url: "\(mountPoint)/bootstead/\(engine.set.machine)/\(stack.name)", passphraseFile: settings.passphraseFile,
        folder: folders.borg, runner: runner)
      engine.say("\(stack.name): copying to \(settings.device)")
      do {
        // Nobody else works in it: a lock is of a run that was killed.
        try await repository.breakLock()
        try await repository.probe()
      } catch  where error.kind == .repositoryMissing {
        _ = try await repository.initialise()
      }
      // Retention keeps everything: nothing on a disk in a drawer is removed unasked.
      var run = try BackupRun(
        engine: engine, stack: stack, planName: name, plan: plan,
        settings: RepositoryPlan(retention: Retention(), checkSeconds: CheckSchedule.monthly.seconds),
        repository: repository, run: journal.run)
      let result = try await run.run()
      engine.say(BackupEngine.line(result))
      return result
    } catch {
      return engine.record(
        BackupResult(
          run: journal.run, stack: stack.name, plan: name, tier: plan.tier, started: journal.started, ended: .now,
          outcome: .failed, step: journal.step.rawValue, problem: "\(error)"))
    }
  }
}

extension BackupEngine {
  func runColdCopy(
    _ settings: ColdCopySettings, plan: BackupPlan, name: String, _ configuration: BackupConfiguration
  ) async -> [BackupResult] {
    let work = folders.plan(name)
    var run = ColdCopyRun(engine: self, plan: plan, name: name, settings: settings, run: Self.runIdentifier())
    var failure: NodeWorkError?
    do {
      let held = try lock(folders.lock(work), "the plan \(name)")
      defer { held.release() }
      try await recover(work, configuration)
      try await run.carryOut(configuration)
    } catch {
      failure = error
    }
    var result = BackupResult(
      run: run.journal.run, stack: settings.device, plan: name, tier: plan.tier, started: run.journal.started,
      ended: .now, outcome: .failed)
    guard let failure else {
      result.outcome = .succeeded
      result.archive = "the disk may be unplugged"
      return run.results + [record(result, of: work)]
    }
    result.step = run.journal.step.rawValue
    result.problem = "\(failure)"
    var results = run.results
    // What was copied is on a disk of which nobody knows whether it was written out; the rest was not copied.
    for stack in run.stacks {
      if let index = results.firstIndex(where: { $0.stack == stack.name }), results[index].outcome != .succeeded {
        continue
      }
      var failed = result
      failed.stack = stack.name
      results.removeAll { $0.stack == stack.name }
      results.append(record(failed))
    }
    return results + [record(result, of: work)]
  }
}
