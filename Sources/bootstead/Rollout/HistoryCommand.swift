import ArgumentParser
import Fleet
import OperatorAPI

struct HistoryCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "history", abstract: "Show the orders to a node to change its system, and how they ended.")

  @OptionGroup var appliance: ApplianceOptions
  @Argument(help: "The machine's name or a MAC address of it.") var name: String

  func run() async throws {
    try await reportingFailures {
      let orders: [Rollout] = try await appliance.client.get("/v1/machines/\(pathComponent(name))/rollouts")
      try show(orders, json: appliance.json) { RolloutText.history(orders, of: name) }
    }
  }
}

struct DiffCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "diff", abstract: "Compare the system that a node runs with the one that is set for it.")

  @OptionGroup var appliance: ApplianceOptions
  @Argument(help: "The machine's name or a MAC address of it.") var name: String

  func run() async throws {
    try await reportingFailures {
      let answer: SystemDifference = try await appliance.client.get("/v1/machines/\(pathComponent(name))/diff")
      try show(answer, json: appliance.json) { RolloutText.difference(answer) }
    }
  }
}
