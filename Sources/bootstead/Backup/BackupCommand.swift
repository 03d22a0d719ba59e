import AgentProtocol
import ArgumentParser

struct BackupCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "backup", abstract: "The backups of a running node's stacks.",
    subcommands: [
      BackupRun.self, BackupArchives.self, BackupCheck.self, BackupPrune.self, BackupCoverage.self,
      BackupRecover.self, BackupRestore.self, BackupTestRestore.self,
    ])
}

/// The plan, where several hold a stack.
struct BackupPlanOption: ParsableArguments {
  @Option(help: "The plan, where several hold the stack.") var plan: String?

  var name: BackupPlanName? { get throws { try plan.map { text in try BackupPlanName(text) } } }
}

struct BackupRun: NodeVerb {
  static let configuration = CommandConfiguration(
    commandName: "run", abstract: "Back up the stacks of a plan now. One that fails leaves the others alone.")
  @OptionGroup var options: NodeTaskOptions
  @Argument(help: "The machine's name or a MAC address of it.") var machine: String
  @Argument(help: "The plan.") var plan: String
  @Argument(help: "These stacks of it alone.") var stacks: [String] = []
  func task() throws -> NodeTask { .backUp(try BackupPlanName(plan), try stacks.map { text in try StackName(text) }) }
}

struct BackupArchives: NodeVerb {
  static let configuration = CommandConfiguration(commandName: "archives", abstract: "List the archives of a stack.")
  @OptionGroup var options: NodeTaskOptions
  @OptionGroup var chosen: BackupPlanOption
  @Argument(help: "The machine's name or a MAC address of it.") var machine: String
  @Argument(help: "The stack.") var stack: String
  func task() throws -> NodeTask { .listArchives(try StackName(stack), plan: try chosen.name) }
}

struct BackupCheck: NodeVerb {
  static let configuration = CommandConfiguration(commandName: "check", abstract: "Look for damage in repositories.")
  @OptionGroup var options: NodeTaskOptions
  @OptionGroup var chosen: BackupPlanOption
  @Argument(help: "The machine's name or a MAC address of it.") var machine: String
  @Argument(help: "The stacks.") var stacks: [String]
  @Flag(help: "Read and check all data, which takes long.") var verifyData = false
  func task() throws -> NodeTask {
    .checkBackups(
      try stacks.map { text in try StackName(text) }, plan: try chosen.name, verifiesData: verifyData)
  }
}

struct BackupPrune: NodeVerb {
  static let configuration = CommandConfiguration(
    commandName: "prune", abstract: "Remove the archives of a plan that its retention does not keep.",
    discussion: "Where the target lets the machine only add, that is said, and nothing is removed.")
  @OptionGroup var options: NodeTaskOptions
  @Argument(help: "The machine's name or a MAC address of it.") var machine: String
  @Argument(help: "The plan.") var plan: String
  @Argument(help: "These stacks of it alone.") var stacks: [String] = []
  func task() throws -> NodeTask {
    .pruneBackups(try BackupPlanName(plan), try stacks.map { text in try StackName(text) })
  }
}

struct BackupCoverage: NodeVerb {
  static let configuration = CommandConfiguration(
    commandName: "coverage",
    abstract: "Show which stack has which copies, when one was last restored, and what is missing.",
    discussion: "Ends with 1 where something is missing.")
  @OptionGroup var options: NodeTaskOptions
  @Argument(help: "The machine's name or a MAC address of it.") var machine: String
  func task() throws -> NodeTask { .showCoverage }
}

struct BackupRecover: NodeVerb {
  static let configuration = CommandConfiguration(
    commandName: "recover", abstract: "Clean up after runs that were killed; runs under way are left alone.")
  @OptionGroup var options: NodeTaskOptions
  @Argument(help: "The machine's name or a MAC address of it.") var machine: String
  func task() throws -> NodeTask { .recoverBackups }
}

struct BackupRestore: DestructiveNodeVerb {
  static let configuration = CommandConfiguration(
    commandName: "restore", abstract: "Bring a stack's data back, start it, and run its verify hooks.",
    discussion: "What is there now is not erased: it stays beside, as VOLUME.before-RUN, and is named at the end.")
  @OptionGroup var options: NodeTaskOptions
  @OptionGroup var consent: OperatorConsent
  @OptionGroup var chosen: BackupPlanOption
  @Argument(help: "The machine's name or a MAC address of it.") var machine: String
  @Argument(help: "The stack.") var stack: String
  @Option(help: "The archive.") var archive = "latest"
  var loss: String { "the data of \(stack) is REPLACED; what is there now stays beside it" }
  func task() throws -> NodeTask {
    .restore(try StackName(stack), try ArchiveName(archive), plan: try chosen.name)
  }
}

struct BackupTestRestore: NodeVerb {
  static let configuration = CommandConfiguration(
    commandName: "test-restore",
    abstract: "Fetch the latest archive of each stack on the node, look whether all is in it, and record that.")
  @OptionGroup var options: NodeTaskOptions
  @Argument(help: "The machine's name or a MAC address of it.") var machine: String
  @Argument(help: "The stacks; all where there are none.") var stacks: [String] = []
  func task() throws -> NodeTask { .testRestore(try stacks.map { text in try StackName(text) }) }
}
