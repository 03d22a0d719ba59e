import AgentProtocol
import ArgumentParser
import Glibc
import NodeWork
import ProgramRunner
import StackSet

/// On an installed node.
struct StacksCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "stacks", abstract: "The container stacks of this node.",
    subcommands: [
      StacksApply.self, StacksUp.self, StacksDown.self, StacksStart.self, StacksStop.self, StacksRestart.self,
      StacksRemove.self, StacksLogs.self, StacksStats.self, StacksProcesses.self,
    ])

  static func show(_ outcomes: [StackOutcome], json: Bool) throws {
    if json {
      print(try NodeWorkJSON.text(outcomes))
    } else {
      print(NodeWorkOutput.table(outcomes.map { [$0.stack, $0.action.rawValue, $0.problem ?? ""] }))
    }
    if outcomes.contains(where: { $0.action == .failed || $0.action == .skipped }) { throw ExitCode.failure }
  }
}

struct StacksApply: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "apply", abstract: "Bring the stacks up as declared: what changed, in order, and healthy.",
    discussion: """
      Cleans up first what a backup left that was killed. Stacks that somebody stopped stay stopped. Ends with 1 where \
      a stack failed; those that do not depend on it run.
      """)

  @OptionGroup var options: NodeWorkOptions
  @Option(help: "The compiled stack set.") var configuration = "/etc/bootstead/stacks.json"
  @Option(help: "The backup's configuration, to free locks in repositories.") var backup = "/etc/bootstead/backup.json"
  @Flag(help: "Take down stacks that are not in the set any more. Their data stays.") var removeOthers = false

  func run() async throws {
    try await NodeWorkOutput.tell {
      let set = try StackEngine.read(configuration)
      let runner = SubprocessRunner()
      let stacks = StackEngine(folders: options.folders, runner: runner, say: NodeWorkOutput.say)
      // Services that a killed backup stopped are those of the set that was applied then.
      let engine = BackupEngine(
        folders: options.folders, set: try stacks.applied() ?? set, snapshots: .found(runner: runner), runner: runner,
        say: NodeWorkOutput.say)
      do {
        try await engine.recover(access(backup, R_OK) == 0 ? BackupConfiguration.read(backup) : nil)
      } catch {
        // A snapshot that stays is no reason for services to stay down.
        NodeWorkOutput.say("bootstead-agent: \(error)")
      }
      try StacksCommand.show(await stacks.apply(set, removesOthers: removeOthers), json: options.json)
    }
  }
}

/// What the commands with a target have in common.
protocol StacksVerb: AsyncParsableCommand {
  static var verb: StackEngine.Verb { get }
  var options: NodeWorkOptions { get }
  var target: String? { get }
}

extension StacksVerb {
  func run() async throws {
    try await NodeWorkOutput.tell {
      let engine = StackEngine(folders: options.folders, runner: SubprocessRunner(), say: NodeWorkOutput.say)
      try StacksCommand.show(await engine.act(Self.verb, on: target), json: options.json)
    }
  }
}

struct StacksUp: StacksVerb {
  static let configuration = CommandConfiguration(commandName: "up", abstract: "Create and start, and wait for health.")
  static let verb = StackEngine.Verb.up
  @OptionGroup var options: NodeWorkOptions
  @Argument(help: "STACK or STACK/CONTAINER; all stacks where there is none.") var target: String?
}

struct StacksDown: StacksVerb {
  static let configuration = CommandConfiguration(
    commandName: "down", abstract: "Stop and remove containers. Data stays, and so does the stack's being down.")
  static let verb = StackEngine.Verb.down
  @OptionGroup var options: NodeWorkOptions
  @Argument(help: "STACK; all stacks where there is none.") var target: String?
}

struct StacksStart: StacksVerb {
  static let configuration = CommandConfiguration(commandName: "start", abstract: "Start what was stopped.")
  static let verb = StackEngine.Verb.start
  @OptionGroup var options: NodeWorkOptions
  @Argument(help: "STACK or STACK/CONTAINER; all stacks where there is none.") var target: String?
}

struct StacksStop: StacksVerb {
  static let configuration = CommandConfiguration(
    commandName: "stop", abstract: "Stop, until somebody starts it: 'apply' leaves it stopped.")
  static let verb = StackEngine.Verb.stop
  @OptionGroup var options: NodeWorkOptions
  @Argument(help: "STACK or STACK/CONTAINER; all stacks where there is none.") var target: String?
}

struct StacksRestart: StacksVerb {
  static let configuration = CommandConfiguration(commandName: "restart", abstract: "Stop and start.")
  static let verb = StackEngine.Verb.restart
  @OptionGroup var options: NodeWorkOptions
  @Argument(help: "STACK or STACK/CONTAINER; all stacks where there is none.") var target: String?
}

struct StacksRemove: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "remove", abstract: "Take a stack down and forget it. Its data stays, and is named.")

  @OptionGroup var options: NodeWorkOptions
  @Argument(help: "The stack.") var stack: String
  @Flag(help: "Needed: data is never deleted along with a stack.") var keepData = false

  func validate() throws {
    guard keepData else {
      throw ValidationError("data is not deleted along with a stack: say --keep-data, and delete its folders by hand")
    }
  }

  func run() async throws {
    try await NodeWorkOutput.tell {
      let engine = StackEngine(folders: options.folders, runner: SubprocessRunner(), say: NodeWorkOutput.say)
      let kept = try await engine.remove(stack)
      print(options.json ? try NodeWorkJSON.text(["kept": kept]) : kept.map { "kept \($0)" }.joined(separator: "\n"))
    }
  }
}

struct StacksLogs: AsyncParsableCommand {
  static let configuration = CommandConfiguration(commandName: "logs", abstract: "What a stack's containers printed.")

  @OptionGroup var options: NodeWorkOptions
  @Argument(help: "STACK or STACK/CONTAINER.") var target: String
  @Flag(name: [.short, .long], help: "Go on with what is printed from now on.") var follow = false
  @Option(help: "Lines from the end.") var lines = 200
  @Flag(help: "Print the time of each line before it.") var timestamps = false
  @Option(help: "Only what was printed from this time on, as 2026-01-31T23:59:59Z.") var since: String?

  func validate() throws {
    do { _ = try since.map { text in try LogTime(text) } } catch let error as NodeTaskError {
      throw ValidationError("--since \(error)")
    }
  }

  func run() async throws {
    try await NodeWorkOutput.tell {
      let parts = target.split(separator: "/", maxSplits: 1).map(String.init)
      let engine = StackEngine(folders: options.folders, runner: SubprocessRunner(), say: NodeWorkOutput.say)
      let chosen = (follow ? ["--follow"] : []) + (timestamps ? ["--timestamps"] : [])
      let arguments =
        ["logs", "--tail", "\(lines)"] + chosen + (since.map { ["--since", $0] } ?? []) + parts.dropFirst()
      try BecomeProgram.run(engine.command(parts.first ?? "", arguments))
    }
  }
}

struct StacksStats: AsyncParsableCommand {
  static let configuration = CommandConfiguration(commandName: "stats", abstract: "What a stack's containers use now.")

  @OptionGroup var options: NodeWorkOptions
  @Argument(help: "The stack.") var stack: String

  func run() async throws {
    try await NodeWorkOutput.tell {
      let engine = StackEngine(folders: options.folders, runner: SubprocessRunner(), say: NodeWorkOutput.say)
      let arguments = ["stats", "--no-stream"] + (options.json ? ["--format", "json"] : [])
      try BecomeProgram.run(engine.command(stack, arguments))
    }
  }
}

enum BecomeProgram {
  /// Replaces this process, so that the program has the terminal and its signals.
  static func run(_ command: Command) throws {
    for (name, value) in command.environment { setenv(name, value, 1) }
    var arguments: [UnsafeMutablePointer<CChar>?] = ([command.program] + command.arguments).map { strdup($0) } + [nil]
    execvp(command.program, &arguments)
    throw NodeWorkError(.command, "\(command.program) can not be run: \(String(cString: strerror(errno)))")
  }
}
