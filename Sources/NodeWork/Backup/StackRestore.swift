import FoundationEssentials
import ProgramRunner
import StackSet

extension BackupEngine {
  /// Brings a stack's data back from an archive, starts it, and runs its verify hooks.
  ///
  /// Nothing is erased: each volume comes back beside the one that is there, and takes its place by a rename; what was
  /// there stays as `VOLUME.before-RUN`. A restore that fails or is killed before all data is in its place is taken back.
  /// - Parameter archive: `latest`, or a name.
  /// - Returns: the result, and where the data from before lies.
  public func restore(
    _ name: String, archive: String = "latest", plan: BackupPlan, configuration: BackupConfiguration
  ) async throws(NodeWorkError) -> (result: RestoreResult, kept: [String]) {
    let stack = try set.stack(name)
    let repository = try repository(of: name, plan: plan, configuration: configuration)
    let held = try lock(folders.lock(name), name)
    defer { held.release() }
    try await recover(name, configuration)
    let found =
      archive == "latest"
      ? try await BackupHistory.read(name, folders).latest(of: name, in: repository)
      : try await repository.archive(archive)
    var run = try RestoreRun(
      engine: self, stack: stack, archive: found.name, repository: repository, run: Self.runIdentifier())
    try await run.run()
    return (run.result, run.kept)
  }

  /// Takes back, or ends, a restore that was killed. The caller holds the stack's lock.
  func recoverRestore(_ name: String) async throws(NodeWorkError) {
    let path = folders.restoreJournal(name)
    guard var journal = try DurableFile.value(RestoreJournal.self, at: path) else { return }
    say("\(name): the restore of \(journal.archive) was interrupted at '\(journal.step.rawValue)'")
    try await RunProcesses.end(run: journal.run)
    let undo = RestoreUndo(folders: folders, runner: runner)
    let stack = set.stacks.first { $0.name == name }
    var result = RestoreResult(
      stack: name, archive: journal.archive, ended: .now, isTest: false, hasSucceeded: false, isVerified: false)
    if journal.step == .start {
      for volume in journal.volumes where volume.hadData {
        result.notes.append("what was there before is in \(volume.before)")
      }
      do {
        if let stack {
          try await start(stack, project(stack), &result)
          result.hasSucceeded = true
        } else {
          result.problem = "the stack is not here any more; its data is in its place"
        }
      } catch {
        result.problem = "\(error). The data of \(journal.archive) is in its place"
      }
    } else {
      let project: ComposeProject? = if let stack, journal.step.hasStopped { try self.project(stack) } else { nil }
      try await undo.undo(&journal, project: project)
      result.problem = "it was cut off; the data from before it is in its place"
    }
    try await undo.clean(journal)
    result.ended = .now
    try record(result)
    try DurableFile.remove(path)
  }

  func record(_ result: RestoreResult) throws(NodeWorkError) {
    var history = try BackupHistory.read(result.stack, folders)
    history.add(result)
    try history.write(result.stack, folders)
  }

  /// Loads dumps into the services that they are from.
  func load(
    _ stack: CompiledStack, _ project: ComposeProject, dumps: String, _ result: inout RestoreResult
  ) async throws(NodeWorkError) {
    for hook in stack.backup.restore {
      let file = dumps + "/" + hook.input
      guard DurableFile.exists(file) else {
        // Else the stack stood still for the archive: its files are what comes back.
        if stack.backup.quiesce == .dump {
          result.notes.append("the archive holds no \(hook.input): \(hook.service) has its files alone")
        }
        continue
      }
      try await project.up([hook.service])
      _ = try await project.execute(hook.service, hook.command, input: file)
    }
  }

  /// Starts everything and asks whether it works.
  func start(
    _ stack: CompiledStack, _ project: ComposeProject, _ result: inout RestoreResult
  ) async throws(NodeWorkError) {
    try await project.up()
    try await project.verify(stack.backup.verify)
    result.isVerified = !stack.backup.verify.isEmpty
  }

  /// What the stack was when the archive was made.
  func description(
    in archive: String, _ repository: any BackupRepository, work: String
  ) async throws(NodeWorkError) -> CompiledStack {
    try await repository.extract(archive, paths: ["stack"], to: work)
    guard let described = try DurableFile.value(CompiledStack.self, at: work + "/stack/stack.json") else {
      throw NodeWorkError(
        .damaged, "\(archive) holds no stack/stack.json: it was not made by Bootstead",
        advice: "take it out with 'bootstead-agent backup extract'")
    }
    return described
  }

  func emptied(_ folder: String, isKept: Bool = true) async throws(NodeWorkError) {
    if DurableFile.exists(folder) {
      try await runner.work(Command("rm", ["-r", "-f", "--one-file-system", folder], timeout: .seconds(12 * 3600)))
    }
    if isKept { try DurableFile.makeFolder(folder) }
  }

  /// Lays an archive down in a folder that is not there yet, or is empty.
  public func extract(
    _ stack: String, archive: String, to folder: String, paths: [String] = [], plan: BackupPlan,
    configuration: BackupConfiguration
  ) async throws(NodeWorkError) -> String {
    guard DurableFile.children(of: folder).isEmpty else {
      throw NodeWorkError(.file, "\(folder) is not empty", advice: "name a new folder: nothing is overwritten")
    }
    let repository = try repository(of: stack, plan: plan, configuration: configuration)
    let found = try await repository.archive(archive)
    try DurableFile.makeFolder(folder)
    try await repository.extract(found.name, paths: paths, to: folder)
    return found.name
  }
}
