import ArgumentParser
import Fleet

struct PlanCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "plan", abstract: "Print which running nodes would change their system, and change nothing.",
    discussion: "With -f it prints instead what the fleet that a folder declares would change in the registry.")

  @OptionGroup var appliance: ApplianceOptions
  @Argument(help: "Names or MAC addresses of machines; all without any.") var names: [String] = []
  @Option(name: .customShort("f"), help: "A folder that declares a fleet.") var folder: String?

  func validate() throws {
    guard folder == nil || names.isEmpty else { throw ValidationError("-f is for a whole fleet: name no machines") }
  }

  func run() async throws {
    try await reportingFailures {
      if let folder { return try await planDeclaration(folder, appliance) }
      let request = RolloutRequest(kind: .apply, machines: names)
      let plan: RolloutPlan = try await appliance.client.send("POST", "/v1/rollouts/plan", request)
      try show(plan, json: appliance.json) { RolloutText.plan(plan) }
    }
  }
}
