import AgentProtocol
import ArgumentParser

struct StorageCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "storage", abstract: "Where a running node's data lies.", subcommands: [StorageShow.self])
}

struct StorageShow: NodeVerb {
  static let configuration = CommandConfiguration(
    commandName: "show", abstract: "Show a node's pools, volumes, and what is to be seen to.",
    discussion: "Ends with 1 where there is an alarm.")
  @OptionGroup var options: NodeTaskOptions
  @Argument(help: "The machine's name or a MAC address of it.") var machine: String
  func task() throws -> NodeTask { .showStorage }
}
