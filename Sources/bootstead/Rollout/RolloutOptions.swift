import AgentProtocol
import ArgumentParser
import Fleet

/// What a new system has to prove.
struct RolloutOptions: ParsableArguments {
  @Option(help: "A systemd unit that has to be active in the new system, such as caddy.service. May be repeated.")
  var unit: [String] = []
  @Option(help: "Seconds in which the new system has to reach the appliance with all units active, 10 to 3600.")
  var seconds = RolloutOrder.defaultHealthSeconds
  @Flag(help: "Print what would be done, and change nothing.") var dryRun = false

  /// With `--json`.
  private struct Output: Encodable {
    var plan: RolloutPlan
    var orders: [Rollout]
  }

  /// Prints the plan, asks, and orders it.
  func order(
    _ kind: Rollout.Kind, _ names: [String], canary: String? = nil, _ appliance: ApplianceOptions,
    _ consent: OperatorConsent
  ) async throws {
    let client = appliance.client
    var request = RolloutRequest(kind: kind, machines: names)
    request.canary = canary
    request.units = unit
    request.healthSeconds = seconds
    let plan: RolloutPlan = try await client.send("POST", "/v1/rollouts/plan", request)
    if dryRun || !appliance.json { try show(plan, json: appliance.json) { RolloutText.plan(plan) } }
    if dryRun { return }
    if let step = plan.steps.first(where: { $0.action == .refused }) {
      throw CommandFailure.failed(
        "\(step.machine) can not change its system, and nothing was ordered: \(step.reason ?? "")")
    }
    let count = plan.steps.count { $0.action == .change }
    guard count > 0 else {
      if appliance.json { try show(Output(plan: plan, orders: []), json: true) { "" } }
      return
    }
    try consent.ask("Change the system of \(count) running \(count == 1 ? "node" : "nodes")?")
    request.digest = plan.digest
    let orders: [Rollout] = try await client.send("POST", "/v1/rollouts", request)
    try show(Output(plan: plan, orders: orders), json: appliance.json) {
      "ordered; each node hears of it within \(Fleet.reportInterval) seconds: bootstead history NAME"
    }
  }
}
