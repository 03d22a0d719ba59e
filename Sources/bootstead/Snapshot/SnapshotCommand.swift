import AgentProtocol
import ArgumentParser

struct SnapshotCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "snapshot", abstract: "Snapshots of a running node's stacks.",
    subcommands: [SnapshotCreate.self, SnapshotList.self, SnapshotRollback.self, SnapshotDestroy.self])
}

struct SnapshotCreate: NodeVerb {
  static let configuration = CommandConfiguration(
    commandName: "create", abstract: "Make a snapshot of all volumes of a stack, or of all stacks.")
  @OptionGroup var options: NodeTaskOptions
  @Argument(help: "The machine's name or a MAC address of it.") var machine: String
  @Argument(help: "The snapshot's name.") var name: String
  @Argument(help: "The stacks; all where there are none.") var stacks: [String] = []
  func task() throws -> NodeTask {
    .createSnapshot(try SnapshotName(name), try stacks.map { text in try StackName(text) })
  }
}

struct SnapshotList: NodeVerb {
  static let configuration = CommandConfiguration(commandName: "list", abstract: "List the snapshots of stacks.")
  @OptionGroup var options: NodeTaskOptions
  @Argument(help: "The machine's name or a MAC address of it.") var machine: String
  @Argument(help: "The stacks; all where there are none.") var stacks: [String] = []
  func task() throws -> NodeTask { .listSnapshots(try stacks.map { text in try StackName(text) }) }
}

struct SnapshotRollback: DestructiveNodeVerb {
  static let configuration = CommandConfiguration(
    commandName: "rollback", abstract: "Bring a stack's volumes back to a snapshot; what was written since is lost.",
    discussion: "The stack's services stop for it and start again. The snapshot stays.")
  @OptionGroup var options: NodeTaskOptions
  @OptionGroup var consent: OperatorConsent
  @Argument(help: "The machine's name or a MAC address of it.") var machine: String
  @Argument(help: "The stack.") var stack: String
  @Argument(help: "The snapshot's name.") var name: String
  var loss: String { "all that \(stack) wrote since is LOST" }
  func task() throws -> NodeTask { .rollBackSnapshot(try StackName(stack), try SnapshotName(name)) }
}

struct SnapshotDestroy: DestructiveNodeVerb {
  static let configuration = CommandConfiguration(
    commandName: "destroy", abstract: "Remove a snapshot of a stack. The stack's data of now stays.")
  @OptionGroup var options: NodeTaskOptions
  @OptionGroup var consent: OperatorConsent
  @Argument(help: "The machine's name or a MAC address of it.") var machine: String
  @Argument(help: "The stack.") var stack: String
  @Argument(help: "The snapshot's name.") var name: String
  var loss: String { "the state of \(stack) at that moment is LOST; its data of now stays" }
  func task() throws -> NodeTask { .destroySnapshot(try StackName(stack), try SnapshotName(name)) }
}
