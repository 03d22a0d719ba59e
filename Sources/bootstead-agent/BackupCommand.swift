import ArgumentParser
import NodeWork
import ProgramRunner
import StackSet

/// On an installed node.
struct BackupCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "backup", abstract: "The backups of this node's stacks.",
    subcommands: [
      BackupInit.self, BackupRunCommand.self, BackupRecover.self, BackupArchives.self, BackupExtract.self,
      BackupRestore.self, BackupCheck.self, BackupPrune.self, BackupCoverageCommand.self, BackupKeys.self,
      BackupTestRestore.self,
    ])
}

/// Options of all backup commands.
struct BackupOptions: ParsableArguments {
  @OptionGroup var options: NodeWorkOptions
  @Option(help: "The backup's configuration.") var configuration = "/etc/bootstead/backup.json"
  @Option(help: "The compiled stack set, instead of the one that was applied.") var stacks: String?

  /// What the command works with.
  /// - Parameter lockWait: for stacks that another process works on.
  func context(
    lockWait: Duration = .zero
  ) throws -> (engine: BackupEngine, set: StackSet, configuration: BackupConfiguration) {
    let runner = SubprocessRunner()
    let applied = StackEngine(folders: options.folders, runner: runner, say: NodeWorkOutput.say)
    let named = try stacks.map { try StackEngine.read($0) }
    guard let set = try named ?? applied.applied() else {
      throw StackEngine.nothingApplied
    }
    let engine = BackupEngine(
      folders: options.folders, set: set, snapshots: .found(runner: runner), runner: runner, lockWait: lockWait,
      say: NodeWorkOutput.say)
    return (engine, set, try BackupConfiguration.read(configuration))
  }

  /// What a run of a plan works with. Where that is not there, the monitor hears that the run failed.
  func context(
    ofRun plan: String, lockWait: Duration
  ) async throws -> (engine: BackupEngine, set: StackSet, configuration: BackupConfiguration) {
    do {
      return try context(lockWait: lockWait)
    } catch let error as NodeWorkError {
      if let found = try? BackupConfiguration.read(configuration) {
        await found.pingFailure(ofRun: plan, error, runner: SubprocessRunner())
      }
      throw error
    }
  }

  /// The plan that is named, or the only one with archives that holds the stack.
  func plan(
    _ name: String?, stack: String, _ set: StackSet, _ configuration: BackupConfiguration
  ) throws -> BackupPlan {
    if let name { return try configuration.plan(name) }
    let found = configuration.plans.filter { $0.value.hasArchives && $0.value.stacks(in: set).contains(stack) }
    guard let plan = found.values.first, found.count == 1 else {
      if found.isEmpty { _ = try set.stack(stack) }
      throw NodeWorkError(
        .configuration,
        found.isEmpty ? "no plan makes archives of the stack “\(stack)”" : "several plans hold “\(stack)”",
        advice:
          "name one of \((found.isEmpty ? configuration.plans : found).keys.sorted().joined(separator: ", ")) with --plan"
      )
    }
    return plan
  }
}

/// Of commands that timers call.
struct LockWaitOption: ParsableArguments {
  @Option(help: "How many seconds to wait for a stack that another process works on, 0 to 604800.")
  var lockWait = 43200

  var duration: Duration { .seconds(lockWait) }

  func validate() throws {
    guard (0...604_800).contains(lockWait) else { throw ValidationError("--lock-wait: 0 to 604800 seconds") }
  }
}

struct BackupInit: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "init", abstract: "Make the repositories that are not there yet.",
    discussion: "One that can not be made leaves the others alone; it ends with 1 then.")

  @OptionGroup var backup: BackupOptions
  @Argument(help: "The stacks; all where there are none.") var stacks: [String] = []

  func run() async throws {
    try await NodeWorkOutput.tell {
      let (engine, _, configuration) = try backup.context()
      let states = try await engine.initialise(of: stacks, configuration: configuration)
      if backup.options.json { print(try NodeWorkJSON.text(states)) }
      for state in states {
        if let problem = state.problem {
          NodeWorkOutput.say("\(state.stack): \(problem)")
        } else if !backup.options.json {
          print("\(state.url ?? state.stack)  \(state.isNew == true ? "made" : "is there, and opens")")
        }
      }
      if states.contains(where: { $0.problem != nil }) { throw ExitCode.failure }
    }
  }
}

struct BackupRunCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "run", abstract: "Back up the stacks of a plan. One that fails leaves the others alone.",
    discussion: "Ends with 1 where one of them failed. Services run afterwards, whatever happened.")

  @OptionGroup var backup: BackupOptions
  @Argument(help: "The plan.") var plan: String
  @Option(help: "This stack of the plan alone; again for more.") var stack: [String] = []
  @OptionGroup var patience: LockWaitOption

  func run() async throws {
    try await NodeWorkOutput.tell {
      let (engine, _, configuration) = try await backup.context(ofRun: plan, lockWait: patience.duration)
      let results = try await engine.run(plan: plan, configuration: configuration, only: stack)
      if backup.options.json { print(try NodeWorkJSON.text(results)) }
      if results.contains(where: { $0.outcome != .succeeded }) { throw ExitCode.failure }
    }
  }
}

struct BackupPrune: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "prune", abstract: "Remove the archives of a plan that its retention does not keep.",
    discussion: """
      Where the target lets this machine only add, that is said, and nothing is removed. Ends with 1 where one failed.
      """)

  @OptionGroup var backup: BackupOptions
  @Argument(help: "The plan.") var plan: String
  @Option(help: "This stack of the plan alone; again for more.") var stack: [String] = []
  @OptionGroup var patience: LockWaitOption

  func run() async throws {
    try await NodeWorkOutput.tell {
      let (engine, _, configuration) = try backup.context(lockWait: patience.duration)
      let results = try await engine.prune(plan: plan, configuration: configuration, only: stack)
      if backup.options.json { print(try NodeWorkJSON.text(results)) }
      if results.contains(where: { $0.problem != nil }) { throw ExitCode.failure }
    }
  }
}

struct BackupRecover: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "recover", abstract: "Clean up after runs that were killed; runs under way are left alone.",
    discussion: "The next run of each stack, and 'stacks apply' at each start, do this by themselves.")

  @OptionGroup var backup: BackupOptions

  func run() async throws {
    try await NodeWorkOutput.tell {
      let (engine, _, configuration) = try backup.context()
      let results = try await engine.recover(configuration)
      if backup.options.json { print(try NodeWorkJSON.text(results)) }
    }
  }
}
