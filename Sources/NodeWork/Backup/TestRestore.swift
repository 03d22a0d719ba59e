import FoundationEssentials
import ProgramRunner
import StackSet

/// A scratch copy of a stack that is there now: written down before it is made.
struct ScratchJournal: Sendable, Hashable, Codable {
  var schema = 1
  var stack: String
  /// In the environment of the children that fetch the archive.
  var run: String
  var engine: ContainerEngine
  /// The Compose project; nil where none was begun.
  var project: String?
  /// The folder with all that was restored.
  var folder: String
}

extension BackupEngine {
  /// Fetches the latest archive of a stack into a folder for nothing else, looks whether all is in it, starts a second copy
  /// of the stack from it on a private network, runs the verify hooks there, and removes all of it.
  /// - Parameter scratch: a folder with room for the stack's data.
  public func testRestore(
    _ name: String, scratch: String, plan: BackupPlan, configuration: BackupConfiguration
  ) async throws(NodeWorkError) -> RestoreResult {
    let found = try repository(of: name, plan: plan, configuration: configuration)
    let held = try lock(folders.lock(name), name)
    defer { held.release() }
    try await recover(name, configuration)
    let work = scratch + "/bootstead-test-restore-" + name
    let run = Self.runIdentifier()
    let repository = found.run(by: MarkedRunner(run: run, runner: runner))
    var result = RestoreResult(
      stack: name, archive: "", ended: .now, isTest: true, hasSucceeded: false, isVerified: false)
    do {
      try DurableFile.writeJSON(
        ScratchJournal(stack: name, run: run, engine: set.engine, folder: work), to: folders.scratchJournal(name))
      try await emptied(work)
      let archive = try await repository.archive("latest").name
      result.archive = archive
      try await checkRoom(
        in: [work], for: archive, bytes: bytes(of: archive, stack: name, in: repository),
        advice: "name a folder elsewhere, with more room, with --scratch")
      say("\(name): fetching \(archive) into \(work)")
      try await repository.extract(archive, to: work)
      let described = try await description(in: archive, repository, work: work)
      for volume in described.volumes where volume.isBackedUp && !DurableFile.exists("\(work)/volumes/\(volume.name)") {
        throw NodeWorkError(
          .damaged, "\(archive) lacks the volume \(volume.name)", advice: type(of: repository).damageAdvice)
      }
      for dump in described.backup.dump
      where described.backup.quiesce == .dump && FileSize.bytes(of: "\(work)/dump/\(dump.output)") ?? 0 == 0 {
        result.notes.append("\(archive) holds no dump \(dump.output)")
      }
      result.notes.append("all files came back")
      if let stack = set.stacks.first(where: { $0.name == name }), plan.repositoryPlan?.copied(stack) != stack {
        result.notes.append("the verify hooks did not run: the plan copies a part of the stack's volumes")
      } else {
        try await verifyCopy(described, run: run, in: work, &result)
      }
      result.hasSucceeded = true
    } catch {
      result.problem = "\(error)"
    }
    do {
      try await removeScratchCopy(name)
    } catch {
      // It stays on record, and is tried again.
      result.notes.append("\(error)")
    }
    result.ended = .now
    try record(result)
    return result
  }

  private func verifyCopy(
    _ stack: CompiledStack, run: String, in work: String, _ result: inout RestoreResult
  ) async throws(NodeWorkError) {
    guard !stack.backup.verify.isEmpty else {
      result.notes.append("the stack has no verify hooks")
      return
    }
    let copy: ScratchCopy
    do {
      copy = try ScratchCopy(of: stack, in: work)
    } catch {
      result.notes.append("the verify hooks did not run: \(error)")
      return
    }
    let project = ComposeProject(
      copyOf: try self.project(stack), name: copy.project, directory: copy.folder)
    try copy.layDown()
    try DurableFile.writeJSON(
      ScratchJournal(stack: stack.name, run: run, engine: set.engine, project: copy.project, folder: work),
      to: folders.scratchJournal(stack.name))
    result.notes += copy.notes
    say("\(stack.name): starting a copy of it as \(copy.project)")
    try await load(stack, project, dumps: work + "/dump", &result)
    try await start(stack, project, &result)
  }

  /// Ends and removes the copy, whoever left it. The caller holds the stack's lock.
  func removeScratchCopy(_ stack: String) async throws(NodeWorkError) {
    let path = folders.scratchJournal(stack)
    guard let journal = try DurableFile.value(ScratchJournal.self, at: path) else { return }
    // A killed agent's children go on, and would write into the folder that goes.
    try await RunProcesses.end(run: journal.run)
    if let project = journal.project {
      // By its name alone: its Compose file may be gone already, and would ask for the stack's secrets.
      let copy = ComposeProject(named: project, engine: journal.engine, runner: runner)
      try await runner.work(
        copy.command(["down", "--volumes", "--remove-orphans", "--timeout", "10"]), .services)
    }
    try await emptied(journal.folder, isKept: false)
    try DurableFile.remove(path)
  }
}
