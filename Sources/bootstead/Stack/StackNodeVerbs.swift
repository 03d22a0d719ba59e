import AgentProtocol
import ArgumentParser

/// The verbs that start and stop.
protocol StackNodeVerb: NodeVerb {
  static var verb: NodeTask.StackVerb { get }
  var target: String? { get }
}

extension StackNodeVerb {
  func task() throws -> NodeTask { .stack(Self.verb, try target.map { text in try StackTarget(text) }) }
}

struct StackUp: StackNodeVerb {
  static let configuration = CommandConfiguration(
    commandName: "up", abstract: "Have a node create and start stacks, and wait for their health.")
  static let verb = NodeTask.StackVerb.up
  @OptionGroup var options: NodeTaskOptions
  @Argument(help: "The machine's name or a MAC address of it.") var machine: String
  @Argument(help: "STACK or STACK/CONTAINER; all stacks where there is none.") var target: String?
}

struct StackDown: StackNodeVerb {
  static let configuration = CommandConfiguration(
    commandName: "down", abstract: "Have a node stop and remove containers. Data stays.")
  static let verb = NodeTask.StackVerb.down
  @OptionGroup var options: NodeTaskOptions
  @Argument(help: "The machine's name or a MAC address of it.") var machine: String
  @Argument(help: "STACK; all stacks where there is none.") var target: String?
}

struct StackStart: StackNodeVerb {
  static let configuration = CommandConfiguration(
    commandName: "start", abstract: "Have a node start what was stopped.")
  static let verb = NodeTask.StackVerb.start
  @OptionGroup var options: NodeTaskOptions
  @Argument(help: "The machine's name or a MAC address of it.") var machine: String
  @Argument(help: "STACK or STACK/CONTAINER; all stacks where there is none.") var target: String?
}

struct StackStop: StackNodeVerb {
  static let configuration = CommandConfiguration(
    commandName: "stop", abstract: "Have a node stop stacks, until somebody starts them.")
  static let verb = NodeTask.StackVerb.stop
  @OptionGroup var options: NodeTaskOptions
  @Argument(help: "The machine's name or a MAC address of it.") var machine: String
  @Argument(help: "STACK or STACK/CONTAINER; all stacks where there is none.") var target: String?
}

struct StackRestart: StackNodeVerb {
  static let configuration = CommandConfiguration(
    commandName: "restart", abstract: "Have a node stop and start stacks.")
  static let verb = NodeTask.StackVerb.restart
  @OptionGroup var options: NodeTaskOptions
  @Argument(help: "The machine's name or a MAC address of it.") var machine: String
  @Argument(help: "STACK or STACK/CONTAINER; all stacks where there is none.") var target: String?
}

struct StackApply: NodeVerb {
  static let configuration = CommandConfiguration(
    commandName: "apply",
    abstract: "Have a node bring its stacks up as its system declares them: what changed, in order.")
  @OptionGroup var options: NodeTaskOptions
  @Argument(help: "The machine's name or a MAC address of it.") var machine: String
  func task() throws -> NodeTask { .applyStacks }
}

struct StackRemove: NodeVerb {
  static let configuration = CommandConfiguration(
    commandName: "remove", abstract: "Have a node take a stack down and forget it. Its data stays, and is named.",
    discussion: "A stack that the machine still declares comes back with its next 'stack apply'.")
  @OptionGroup var options: NodeTaskOptions
  @Argument(help: "The machine's name or a MAC address of it.") var machine: String
  @Argument(help: "The stack.") var stack: String
  @Flag(help: "Needed: data is never deleted along with a stack.") var keepData = false

  func validate() throws {
    guard keepData else {
      throw ValidationError(
        "data is not deleted along with a stack: say --keep-data, and delete its folders on the machine by hand")
    }
  }

  func task() throws -> NodeTask { .removeStack(try StackName(stack)) }
}

struct StackLogs: NodeVerb {
  static let configuration = CommandConfiguration(
    commandName: "logs", abstract: "Show what a stack's containers printed last.",
    discussion: "With --follow it goes on until Ctrl-C: the node is asked every few seconds for what is new.")
  @OptionGroup var options: NodeTaskOptions
  @Argument(help: "The machine's name or a MAC address of it.") var machine: String
  @Argument(help: "STACK or STACK/CONTAINER.") var target: String
  @Option(help: "Lines of each container from the end, 1 to 1000.") var lines = 200
  @Flag(name: [.short, .long], help: "Go on with what is printed from now on.") var follow = false
  func task() throws -> NodeTask { .logs(try StackTarget(target), lines: lines) }

  func validate() throws {
    do { try task().check() } catch let error as NodeTaskError { throw ValidationError(error.description) }
    if follow, options.noWait { throw ValidationError("--follow waits; leave --no-wait out") }
  }

  func run() async throws {
    guard follow else { return try await options.carryOut(try task(), on: machine) }
    try await reportingFailures {
      try await StackLogFollower(options: options, machine: machine, target: StackTarget(target), lines: lines).run()
    }
  }
}

struct StackStats: NodeVerb {
  static let configuration = CommandConfiguration(
    commandName: "stats", abstract: "Show what a stack's containers use now.")
  @OptionGroup var options: NodeTaskOptions
  @Argument(help: "The machine's name or a MAC address of it.") var machine: String
  @Argument(help: "The stack.") var stack: String
  func task() throws -> NodeTask { .usage(try StackName(stack)) }
}

struct StackProcesses: NodeVerb {
  static let configuration = CommandConfiguration(
    commandName: "ps", abstract: "Show the containers of a stack, or of all, and how they fare.")
  @OptionGroup var options: NodeTaskOptions
  @Argument(help: "The machine's name or a MAC address of it.") var machine: String
  @Argument(help: "The stack; all stacks where there is none.") var stack: String?
  func task() throws -> NodeTask { .processes(try stack.map { text in try StackName(text) }) }
}
