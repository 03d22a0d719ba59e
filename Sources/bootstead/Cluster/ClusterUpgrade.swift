import AgentProtocol
import ArgumentParser
import Fleet
import Foundation

struct ClusterUpgrade: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "upgrade",
    abstract: "Have a cluster's nodes change to the systems that are set for them, one at a time.",
    discussion: """
      Servers first. The next one goes when the one before runs its new system, and Kubernetes says that it is ready. Ends \
      at the first that fails or goes back, and where the cluster would lose the majority of its servers. Run again it goes \
      on. No minor version of k3s is left out, and none goes back.
      """)

  @OptionGroup var appliance: ApplianceOptions
  @OptionGroup var consent: OperatorConsent
  @OptionGroup var options: RolloutOptions
  @Argument(help: "The cluster's name.") var name: String
  @Flag(help: "The cluster may stand still while a server is away.") var acceptOutage = false

  /// With `--json`.
  private struct Output: Encodable {
    var plan: RolloutPlan
    var orders: [Rollout]
  }

  func run() async throws {
    try await reportingFailures {
      let client = appliance.client
      let applied: AppliedDeclaration = try await client.get("/v1/declaration")
      let cluster = try DeclaredCluster.named(name, in: DeclarationEditor(DeclaredFiles(applied.files)))
      let maintenance = ClusterMaintenance(cluster)
      let plan = try await plan(maintenance.order)
      let waiting = plan.steps.filter { $0.action == .change }.map(\.machine)
      if options.dryRun || !appliance.json { try show(plan, json: appliance.json) { RolloutText.plan(plan) } }
      if options.dryRun { return }
      if let step = plan.steps.first(where: { $0.action == .refused }) {
        throw CommandFailure.failed(
          "\(step.machine) can not change its system, and nothing was ordered: \(step.reason ?? "")")
      }
      guard let first = waiting.first else {
        if appliance.json { try show(Output(plan: plan, orders: []), json: true) { "" } }
        return
      }
      try await check(first, maintenance)
      let reading = try await reading()
      for step in plan.steps where step.action == .change {
        if let refusal = reading.refusal(of: step.machine, to: step.kubernetes.flatMap { KubernetesVersion($0) }) {
          throw CommandFailure.failed("\(step.machine) stays as it is, and nothing was ordered: \(refusal)")
        }
      }
      try consent.ask("Change \(waiting.count) of the cluster's nodes, one after the other?")
      var orders: [Rollout] = []
      for machine in maintenance.order where waiting.contains(machine) {
        try await check(machine, maintenance)
        orders.append(try await change(machine))
        try await awaitReady(machine)
      }
      if appliance.json { try show(Output(plan: plan, orders: orders), json: true) { "" } }
    }
  }

  private func request(_ machines: [String]) -> RolloutRequest {
    var request = RolloutRequest(kind: .apply, machines: machines)
    request.units = ["k3s.service"] + options.unit.filter { $0 != "k3s.service" }
    request.healthSeconds = options.seconds
    return request
  }

  private func plan(_ machines: [String]) async throws -> RolloutPlan {
    try await appliance.client.send("POST", "/v1/rollouts/plan", request(machines))
  }

  /// - Throws: where one more machine must not be away now.
  private func check(_ machine: String, _ maintenance: ClusterMaintenance) async throws {
    var standings: [ClusterMaintenance.Standing] = []
    for member in maintenance.cluster.members {
      let path = "/v1/machines/\(pathComponent(member.machine))"
      let detail: MachineDetail = try await appliance.client.get(path)
      let rollouts: [Rollout] = try await appliance.client.get(path + "/rollouts")
      standings.append(
        detail.machine.standing(now: Date(), isChanging: rollouts.contains { $0.endedAt == nil }))
    }
    if let refusal = maintenance.refusal(of: machine, standings, acceptsOutage: acceptOutage) {
      throw CommandFailure.failed("\(machine) stays as it is: \(refusal)")
    }
    if let refusal = try await reading(besides: machine).refusal(of: machine, in: name) {
      throw CommandFailure.failed("\(machine) stays as it is: \(refusal)")
    }
  }

  /// What a server that is well says of the nodes; another one than the given machine where there is one.
  private func reading(besides machine: String? = nil) async throws -> ClusterReading {
    let server = try await ClusterMembers.named(name, appliance.client).server(besides: machine)
    return try await ClusterReading.read(on: server, appliance.client)
  }

  /// Waits until Kubernetes says that a machine that has changed is ready.
  private func awaitReady(_ machine: String) async throws {
    let end = ContinuousClock.now + .seconds(options.seconds)
    var last = "Kubernetes says that it is not"
    repeat {
      do {
        if try await reading(besides: machine).isReady(machine) { return say("\(machine): ready") }
      } catch let failure as CommandFailure {
        // With one server Kubernetes is away for a while too.
        last = failure.description
      }
      try await Task.sleep(for: .seconds(5))
    } while ContinuousClock.now < end
    throw CommandFailure.failed(
      "\(machine) runs its new system and is not ready after \(options.seconds) s (\(last)); the others stay as they are: "
        + "bootstead cluster nodes \(name)")
  }

  /// Orders one machine's change, and waits for its end.
  private func change(_ machine: String) async throws -> Rollout {
    let client = appliance.client
    var order = request([machine])
    order.digest = try await plan([machine]).digest
    let orders: [Rollout] = try await client.send("POST", "/v1/rollouts", order)
    guard let ordered = orders.first else {
      throw CommandFailure.failed("\(machine) changed since the plan was made; run this again")
    }
    say("\(machine): ordered")
    // It hears of the order, fetches, changes, and has to prove itself.
    let end = ContinuousClock.now + .seconds(options.seconds + 3600)
    while ContinuousClock.now < end {
      try await Task.sleep(for: .seconds(5))
      let history: [Rollout] = try await client.get("/v1/machines/\(pathComponent(machine))/rollouts")
      guard let now = history.first(where: { $0.identifier == ordered.identifier }), let result = now.result else {
        continue
      }
      guard result == .succeeded else {
        throw CommandFailure.failed(
          "\(machine) did not change (\(result.rawValue)): \(now.reason ?? "no reason given"); the others stay as they are"
        )
      }
      say("\(machine): \(result.rawValue)")
      return now
    }
    throw CommandFailure.failed(
      "\(machine) has not told how its change ended; the others stay as they are: bootstead history \(machine)")
  }

  private func say(_ line: String) { FileHandle.standardError.write(Data((terminalText(line) + "\n").utf8)) }
}
