import FoundationEssentials
import Glibc
import ProgramRunner
import StackSet

/// One run of `db-dump` for one stack: dump ▶ compress ▶ look whether it is whole ▶ rename ▶ drop old ones.
struct DumpRun {
  let engine: BackupEngine
  let stack: CompiledStack
  let settings: DumpSettings

  private let runner: MarkedRunner
  private let project: ComposeProject
  private var journal: BackupJournal
  private var folders: NodeFolders { engine.folders }
  /// The stack's dumps.
  private var directory: String { settings.directory + "/" + stack.name }

  init(
    engine: BackupEngine, stack: CompiledStack, planName: String, plan: BackupPlan, settings: DumpSettings, run: String
  ) throws(NodeWorkError) {
    self.engine = engine
    self.stack = stack
    self.settings = settings
    runner = MarkedRunner(run: run, runner: engine.runner)
    project = try engine.project(stack, runner: runner)
    journal = BackupJournal(
      run: run, stack: stack.name, plan: planName, tier: plan.tier, started: .now, step: .dump)
  }

  /// The caller holds the stack's lock, and has recovered what an earlier run left.
  mutating func run(_ result: inout BackupResult) async throws(NodeWorkError) {
    var failure: NodeWorkError?
    do {
      try await work(&result)
    } catch {
      failure = error
      result.step = journal.step.rawValue
    }
    // Raw dumps and partial files go, whatever happened.
    try await BackupUndo(folders: folders, snapshots: engine.snapshots, runner: runner).undo(journal, project: nil)
    try DurableFile.remove(folders.journal(stack.name))
    if let failure { throw failure }
  }

  private mutating func work(_ result: inout BackupResult) async throws(NodeWorkError) {
    let parent = DurableFile.folder(of: settings.directory)
    guard DurableFile.exists(parent) else {
      throw NodeWorkError(
        .file, "\(parent) is not there, so that no dump can be kept in it", advice: "mount or make it")
    }
    try await engine.expectMounted(settings.directory)
    try DurableFile.makeFolder(directory)
    let raw = folders.source(stack.name) + "/dump"
    func partial(_ output: String) -> String { "\(directory)/.new-\(output).zst" }
    journal.files = stack.backup.dump.map { partial($0.output) }
    try DurableFile.writeJSON(journal, to: folders.journal(stack.name))

    _ = try await StackDumps(stack: stack, project: project).write(to: raw)
    var bytes: UInt64 = 0
    var compressed: UInt64 = 0
    for hook in stack.backup.dump {
      let file = raw + "/" + hook.output
      try await runner.work(
        Command(
          "zstd", ["--quiet", "--force", "-o", partial(hook.output), "--", file], timeout: .seconds(12 * 3600)), .dump)
      try await runner.work(
        Command("zstd", ["--quiet", "--test", "--", partial(hook.output)], timeout: .seconds(12 * 3600)), .dump)
      bytes += FileSize.bytes(of: file) ?? 0
      compressed += FileSize.bytes(of: partial(hook.output)) ?? 0
      try DurableFile.remove(file)
      try Self.writeOut(partial(hook.output))
    }
    // All of a stack's dumps are of one run, or none is new.
    for hook in stack.backup.dump {
      try DurableFile.move(partial(hook.output), to: "\(directory)/\(hook.output).\(journal.run).zst")
    }
    result.archive = "\(directory)/*.\(journal.run).zst"
    result.originalBytes = bytes
    result.addedBytes = compressed
    result.files = stack.backup.dump.count
    journal.step = .prune
    try DurableFile.writeJSON(journal, to: folders.journal(stack.name))
    for hook in stack.backup.dump {
      for old in Self.dumps(of: hook.output, among: DurableFile.children(of: directory)).dropLast(settings.keep) {
        try DurableFile.remove(directory + "/" + old)
      }
    }
  }

  /// - Returns: the newest last. Files of other names are nobody's to delete.
  static func dumps(of output: String, among names: [String]) -> [String] {
    names.filter { name in
      guard name.hasPrefix(output + "."), name.hasSuffix(".zst"), name.utf8.count > output.utf8.count + 5 else {
        return false
      }
      let run = name.dropFirst(output.count + 1).dropLast(4)
      let parts = run.split(separator: "-", omittingEmptySubsequences: false)
      return parts.count == 2 && parts[0].utf8.count == 16 && parts[0].hasSuffix("Z")
        && parts[0].prefix(8).allSatisfy(\.isNumber) && parts[1].allSatisfy(\.isHexDigit)
    }.sorted()
  }

  /// A name that outlives a power cut is to have content that does.
  private static func writeOut(_ path: String) throws(NodeWorkError) {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else {
      throw NodeWorkError(.file, "can not open \(path): \(String(cString: strerror(errno)))")
    }
    defer { close(descriptor) }
    guard fchmod(descriptor, 0o600) == 0, fsync(descriptor) == 0 else {
      throw NodeWorkError(.file, "can not write out \(path): \(String(cString: strerror(errno)))")
    }
  }
}

extension BackupEngine {
  func runDumps(
    _ settings: DumpSettings, plan: BackupPlan, name: String, only: [String], _ configuration: BackupConfiguration
  ) async -> [BackupResult] {
    var results: [BackupResult] = []
    for stack in plan.stacks where only.isEmpty || only.contains(stack) {
      let run = Self.runIdentifier()
      var result = BackupResult(
        run: run, stack: stack, plan: name, tier: plan.tier, started: .now, ended: .now, outcome: .failed)
      do {
        let compiled = try set.stack(stack)
        guard !compiled.backup.dump.isEmpty else {
          say("\(stack): there is no database to dump")
          continue
        }
        let held = try await patiently { () throws(NodeWorkError) in try lock(folders.lock(stack), stack) }
        defer { held.release() }
        try await recover(stack, configuration)
        say("\(stack): dumping into \(settings.directory)/\(stack)")
        var work = try DumpRun(
          engine: self, stack: compiled, planName: name, plan: plan, settings: settings, run: run)
        try await work.run(&result)
        result.outcome = .succeeded
        results.append(record(result))
      } catch {
        result.step = result.step ?? BackupJournal.Step.begin.rawValue
        result.problem = "\(error)"
        results.append(record(result))
      }
    }
    return results
  }

  /// - Throws: where a file system that holds the path, or one below it, is declared and not mounted.
  func expectMounted(_ path: String) async throws(NodeWorkError) {
    let audit = MountAudit(set: set, snapshots: snapshots, runner: runner)
    try Self.expectMounted(path, missing: try await audit.missingMounts())
  }

  static func expectMounted(_ path: String, missing: [MountAudit.Missing]) throws(NodeWorkError) {
    let found = missing.first {
      BackupRun.path(path, below: $0.target) != nil || BackupRun.path($0.target, below: path) != nil
    }
    if let found { throw NodeWorkError(.storage, found.problem) }
  }
}
