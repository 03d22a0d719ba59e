import FoundationEssentials
import ProgramRunner
import StackSet

/// One restore of one stack: room ▶ fetch ▶ stop ▶ exchange ▶ load dumps ▶ start ▶ verify.
///
/// Nothing is erased. Until all dumps are loaded, what fails is taken back; from then on the data stays where it is, and a
/// stack that does not work with it is named.
struct RestoreRun {
  let engine: BackupEngine
  let stack: CompiledStack
  let archive: String
  private(set) var result: RestoreResult
  /// Where the data from before lies.
  private(set) var kept: [String] = []

  private let repository: any BackupRepository
  private let project: ComposeProject
  private var journal: RestoreJournal
  private var folders: NodeFolders { engine.folders }
  private var work: String { folders.restoreWork(stack.name) }

  init(
    engine: BackupEngine, stack: CompiledStack, archive: String, repository: any BackupRepository, run: String
  ) throws(NodeWorkError) {
    let runner = MarkedRunner(run: run, runner: engine.runner)
    self.engine = engine
    self.stack = stack
    self.archive = archive
    self.repository = repository.run(by: runner)
    project = try engine.project(stack, runner: runner)
    journal = RestoreJournal(run: run, stack: stack.name, archive: archive)
    result = RestoreResult(
      stack: stack.name, archive: archive, ended: .now, isTest: false, hasSucceeded: false, isVerified: false)
  }

  /// The caller holds the stack's lock, and has recovered what an earlier run left.
  mutating func run() async throws(NodeWorkError) {
    do {
      try await bringBack()
      result.hasSucceeded = true
    } catch {
      result.problem = await settle(error)
    }
    var isSettled = false
    if journal.step == .start || journal.step == .undone {
      do {
        try await undo.clean(journal)
        isSettled = true
      } catch {
        // It stays on record, and is tried again.
        result.notes.append("\(error)")
      }
    }
    result.ended = .now
    try engine.record(result)
    if isSettled { try DurableFile.remove(folders.restoreJournal(stack.name)) }
  }

  private var undo: RestoreUndo { RestoreUndo(folders: folders, runner: engine.runner) }

  /// Takes back what can be, and says how things stand.
  private mutating func settle(_ failure: NodeWorkError) async -> String {
    guard journal.step != .start else {
      return "\(failure). The data of \(archive) is in its place"
        + (kept.isEmpty ? "" : "; what was there before is in \(kept.joined(separator: ", "))")
        + ". See 'bootstead-agent stacks logs \(stack.name)'"
    }
    let hadStopped = journal.step.hasStopped
    do {
      try await undo.undo(&journal, project: project)
      kept = []
      return hadStopped ? "\(failure). The data from before is back, and what ran before runs" : "\(failure)"
    } catch {
      return "\(failure). And \(error)"
    }
  }

  private mutating func enter(
    _ step: RestoreJournal.Step, _ change: (inout RestoreJournal) -> Void = { _ in }
  ) throws(NodeWorkError) {
    // The step is what is on the disk: where it can not be written, nothing of it has begun.
    var next = journal
    next.step = step
    change(&next)
    try DurableFile.writeJSON(next, to: folders.restoreJournal(stack.name))
    journal = next
  }

  private mutating func bringBack() async throws(NodeWorkError) {
    try enter(.fetch)
    try await engine.emptied(work)
    engine.say("\(stack.name): restoring \(archive)")
    let described = try await engine.description(in: archive, repository, work: work)
    let inArchive = Set(described.volumes.filter(\.isBackedUp).map(\.name))
    let volumes = stack.volumes.filter { $0.isBackedUp && inArchive.contains($0.name) }
    for volume in stack.volumes where volume.isBackedUp && !inArchive.contains(volume.name) {
      result.notes.append("\(archive) holds no volume \(volume.name); it stays as it is")
    }
    let run = journal.run
    let name = stack.name
    try enter(.fetch) { $0.volumes = volumes.map { RestoreJournal.Volume($0, of: name, run: run) } }
    try await VolumeMounts.read(engine.runner).check(volumes, of: name)
    let bytes = try await engine.bytes(of: archive, stack: name, in: repository)
    let sizes = try DurableFile.value(DiskSizes.self, at: "\(work)/stack/\(DiskSizes.file)")
    for line in try await engine.makeRoom(for: archive, volumes, of: stack, sizes: sizes, bytes: bytes) {
      engine.say("\(name): \(line)")
      result.notes.append(line)
    }
    try await engine.checkRoom(
      in: volumes.map { DurableFile.folder(of: $0.path) }, for: archive,
      bytes: bytes,
      advice: "make room, such as by removing a VOLUME.before-RUN of an earlier restore")
    try await fetch()
    try await stop()
    for volume in journal.volumes {
      if volume.hadData {
        try DurableFile.move(volume.path, to: volume.before)
        kept.append(volume.before)
      }
      try DurableFile.move(volume.fetched, to: volume.path)
    }
    try enter(.load)
    try await engine.load(stack, project, dumps: work + "/dump", &result)
    try enter(.start)
    try await engine.start(stack, project, &result)
  }

  /// All of it is fetched, and found whole, before anything that runs is touched.
  private func fetch() async throws(NodeWorkError) {
    for volume in journal.volumes {
      try await engine.emptied(volume.beside)
      try await repository.extract(archive, paths: ["volumes/" + volume.name], to: volume.beside)
      // A rename is on the disk before the content of the files is: a power cut would leave empty ones.
      try await engine.runner.work(Command("sync", ["-f", volume.beside], timeout: .seconds(12 * 3600)), .storage)
    }
    try await repository.extract(archive, paths: ["dump"], to: work)
  }

  private mutating func stop() async throws(NodeWorkError) {
    let running = try await project.running()
    try enter(.stop) { $0.services = running }
    if !running.isEmpty { try await project.stop(running) }
    // What is there is looked at when nothing makes or removes it any more.
    try enter(.exchange) { journal in
      for index in journal.volumes.indices {
        journal.volumes[index].hadData = DurableFile.exists(journal.volumes[index].path)
      }
    }
  }
}
