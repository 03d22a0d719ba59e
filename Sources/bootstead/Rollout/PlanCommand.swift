import ArgumentParser
import Fleet

struct PlanCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "plan", abstract: "Print which running nodes would change their system, and change nothing.")

  @OptionGroup var appliance: ApplianceOptions
  @Argument(help: "Names or MAC addresses of machines; all without any.") var names: [String] = []

  func run() async throws {
    try await reportingFailures {
      let request = RolloutRequest(kind: .apply, machines: names)
      let plan: RolloutPlan = try await appliance.client.send("POST", "/v1/rollouts/plan", request)
      try show(plan, json: appliance.json) { RolloutText.plan(plan) }
    }
  }
}
