import AgentProtocol
import DiskLayout
import Fleet
import Foundation
import NetworkAddress
import Testing

@Suite("Running nodes change their systems")
struct RolloutTests {
  static let second = "/nix/store/" + String(repeating: "1", count: 32) + "-nixos-system-node-2"
  static let third = "/nix/store/" + String(repeating: "2", count: 32) + "-nixos-system-node-3"

  /// A node that is installed, and what it says.
  struct Node {
    let registry: Registry
    let name: String
    var agent: Agent
    var counter: UInt64 = 0
    var running = Registry.closure

    init(_ registry: Registry, _ name: String = "node1", mac: String = "52:54:00:00:00:01") async throws {
      self.registry = registry
      self.name = name
      try await registry.add(name, macs: [mac])
      agent = try Agent()
      let inventory = try InstalledMachine.inventory(
        mac: mac, uuid: nil, serial: name, disks: [InstalledMachine.disk(name)])
      _ = try await agent.claim(registry, nonce: try await registry.boot(mac).nonce, inventory: inventory)
      let task = try #require(try await agent.task(registry).install)
      try await agent.installed(registry, task: task.identifier)
      try await report()
    }

    @discardableResult
    mutating func report(_ rollout: RolloutReport? = nil) async throws -> RolloutOrder? {
      counter += 1
      return try await agent.report(registry, name: name, counter: counter, closure: running, rollout: rollout).rollout
    }

    /// Does what it is told, and says so.
    mutating func obey(_ state: RolloutReport.State = .succeeded, reason: String? = nil) async throws {
      let order = try #require(try await report())
      if state == .succeeded { running = order.closure }
      #expect(try await report(RolloutReport(order: order.identifier, state: state, reason: reason)) == nil)
    }

    func set(_ closure: String) async throws {
      var request = SetMachine()
      request.closure = closure
      _ = try await registry.fleet.set(name, request)
    }

    func history() async throws -> [Rollout] { try await registry.fleet.rollouts(of: name) }
    func machine() async throws -> Machine { try await registry.fleet.machine(name).machine }
  }

  @discardableResult
  private func order(
    _ registry: Registry, _ kind: Rollout.Kind = .apply, _ machines: [String] = ["node1"],
    _ change: (inout RolloutRequest) -> Void = { _ in }
  ) async throws -> [Rollout] {
    var request = RolloutRequest(kind: kind, machines: machines)
    change(&request)
    request.digest = try await registry.fleet.planRollout(request).digest
    return try await registry.fleet.orderRollout(request)
  }

  @Test("a closure that is set is drift, and changes nothing on the node before the operator ordered it")
  func drift() async throws {
    let registry = try Registry()
    var node = try await Node(registry)
    #expect(try await node.machine().driftSince == nil)
    try await node.set(Self.second)
    let since = try await node.machine().driftSince
    #expect(since != nil)
    registry.pass(seconds: 3600)
    #expect(try await node.report() == nil)
    let drifted = try await node.machine()
    #expect(drifted.driftSince == since && drifted.hasDrifted)

    try await order(registry) { $0.units = ["caddy.service"] }
    let told = try #require(try await node.report())
    #expect(told.closure == Self.second && told.units == ["caddy.service"] && told.healthSeconds == 300)
    #expect(told.cachePublicKeys == Registry.source.cachePublicKeys)
    // Again and again the same, until it has told how it ended.
    #expect(try await node.report(RolloutReport(order: told.identifier, state: .fetching)) == told)
    #expect(try await registry.fleet.machine("node1").rollout?.standing == "under way")
    try await node.obey()
    let end = try #require(try await node.history().first)
    #expect(end.result == .succeeded && end.previous == Registry.closure)
    #expect(try await node.machine().driftSince == nil)
    #expect(try await node.report() == nil)
  }

  @Test("a node that went back says why, and is not told again", arguments: [RolloutReport.State.rolledBack, .failed])
  func rolledBack(state: RolloutReport.State) async throws {
    let registry = try Registry()
    var node = try await Node(registry)
    try await node.set(Self.second)
    try await order(registry)
    try await node.obey(state, reason: "caddy.service is \u{1B}[31mfailed")
    let end = try #require(try await node.history().first)
    #expect(end.result?.rawValue == state.rawValue && end.reason == "caddy.service is \u{FFFD}[31mfailed")
    #expect(try await node.report() == nil)
    let machine = try await node.machine()
    #expect(machine.hasDrifted && machine.state == .active)
    #expect(try await registry.fleet.events(of: "node1").contains { $0.kind == "alarm" && $0.text.contains("caddy") })
  }

  @Test("a success that the running system belies is none; words about other orders count for nothing")
  func lies() async throws {
    let registry = try Registry()
    var node = try await Node(registry)
    var other = try await Node(registry, "node2", mac: "52:54:00:00:00:02")
    try await node.set(Self.second)
    let identifier = try #require(try await order(registry).first?.identifier)
    try await other.report(RolloutReport(order: identifier, state: .succeeded))
    try await node.report(RolloutReport(order: "no such order", state: .failed))
    #expect(try await node.history().first?.endedAt == nil)
    try await node.report(RolloutReport(order: identifier, state: .succeeded))
    #expect(try await node.history().first?.result == .failed)
    node.running = Self.second
    try await node.report(RolloutReport(order: identifier, state: .succeeded))
    #expect(try await node.history().first?.result == .failed)
  }

  @Test("nobody orders what was not planned, or changed since")
  func consent() async throws {
    let registry = try Registry()
    var node = try await Node(registry)
    try await node.set(Self.second)
    var request = RolloutRequest(kind: .apply, machines: [])
    await #expect(throws: FleetError.self) { try await registry.fleet.orderRollout(request) }
    request.digest = try await registry.fleet.planRollout(request).digest
    try await node.set(Self.third)
    await #expect(throws: FleetError.self) { try await registry.fleet.orderRollout(request) }
    request.digest = try await registry.fleet.planRollout(request).digest
    request.units = ["other.service"]
    await #expect(throws: FleetError.self) { try await registry.fleet.orderRollout(request) }
    #expect(try await node.report() == nil)
    for (units, seconds) in [(["--now"], 300), (["caddy"], 300), ([], 9), ([], 3601)] as [([String], Int)] {
      var request = RolloutRequest(kind: .apply, machines: [])
      (request.units, request.healthSeconds) = (units, seconds)
      await #expect(throws: FleetError.self) { try await registry.fleet.planRollout(request) }
    }
  }

  @Test("what can not change is refused where it was named, and left out of all")
  func notPossible() async throws {
    let registry = try Registry()
    let node = try await Node(registry)
    try await registry.add("waiting", macs: ["52:54:00:00:00:09"])
    try await node.set(Self.second)
    let all = try await registry.fleet.planRollout(RolloutRequest(kind: .apply, machines: []))
    #expect(all.steps.map(\.action) == [.change, .nothing])
    let named = try await registry.fleet.planRollout(RolloutRequest(kind: .apply, machines: ["waiting", "node1"]))
    #expect(named.steps.map(\.action) == [.refused, .change])
    #expect(named.steps[0].reason?.contains("it is armed") == true)
    await #expect(throws: FleetError.self) { try await order(registry, .apply, ["waiting", "node1"]) }
    #expect(try await node.history().isEmpty)
    await #expect(throws: FleetError.noSuchMachine("none")) { try await order(registry, .apply, ["none"]) }
    for kind in [Rollout.Kind.rollback, .release] {
      let plan = try await registry.fleet.planRollout(RolloutRequest(kind: kind, machines: ["node1"]))
      #expect(plan.steps.first?.action == .refused)
    }
  }

  @Test("the others wait for the canary, and never begin where it does not succeed", arguments: [true, false])
  func canary(isSound: Bool) async throws {
    let registry = try Registry()
    var nodes = [try await Node(registry)]
    nodes.append(try await Node(registry, "node2", mac: "52:54:00:00:00:02"))
    for node in nodes { try await node.set(Self.second) }
    await #expect(throws: FleetError.self) { try await order(registry, .apply, ["node1"]) { $0.canary = "node2" } }
    try await order(registry, .apply, []) { $0.canary = "node2" }
    #expect(try await nodes[0].report() == nil)
    #expect(try await registry.fleet.machine("node1").rollout?.standing == "waits for the canary")
    try await nodes[1].obey(isSound ? .succeeded : .rolledBack, reason: "no")
    if isSound {
      try await nodes[0].obey()
      #expect(try await nodes[0].history().first?.result == .succeeded)
    } else {
      #expect(try await nodes[0].report() == nil)
      #expect(try await nodes[0].history().first?.result == .cancelled)
    }
  }

  @Test("a canary that is removed takes those that wait for it with it")
  func removedCanary() async throws {
    let registry = try Registry()
    var node = try await Node(registry)
    let canary = try await Node(registry, "node2", mac: "52:54:00:00:00:02")
    try await node.set(Self.second)
    try await canary.set(Self.second)
    try await order(registry, .apply, []) { $0.canary = "node2" }
    try await registry.fleet.remove("node2")
    #expect(try await node.report() == nil)
    #expect(try await node.history().first?.result == .cancelled)
  }

  @Test("a rollback is the change to the system before, which is kept for it; it is not taken back by another")
  func rollback() async throws {
    let registry = try Registry()
    var node = try await Node(registry)
    for closure in [Self.second, Self.third] {
      try await node.set(closure)
      try await order(registry)
      try await node.obey()
    }
    #expect(try await registry.fleet.closureRoots().contains(Self.second))
    for closure in [Self.second, Registry.closure] {
      try await order(registry, .rollback)
      #expect(try await node.machine().closure == closure)
      try await node.obey()
      #expect(node.running == closure)
    }
    #expect(try await node.history().map(\.kind) == [.rollback, .rollback, .apply, .apply])
    await #expect(throws: FleetError.self) { try await order(registry, .rollback) }
  }

  @Test("a release is the change to the golden system, which nothing removes")
  func release() async throws {
    let registry = try Registry()
    var node = try await Node(registry)
    await #expect(throws: FleetError.self) { try await registry.fleet.setGoldenClosure("/etc") }
    try await registry.fleet.rememberClosures([Self.third])
    try await registry.fleet.setGoldenClosure(Self.third)
    #expect(try await registry.fleet.closureRoots().contains(Self.third))
    await #expect(throws: FleetError.self) { try await registry.fleet.forgetClosure(Self.third) }
    try await order(registry, .release)
    try await node.obey()
    let machine = try await node.machine()
    #expect(machine.closure == Self.third && machine.runningClosure == Self.third && machine.plan != nil)
    try await registry.fleet.setGoldenClosure("")
    #expect(try await registry.fleet.goldenClosure() == nil)
  }

  @Test("a later order takes the place of one that has not ended; a node that is being rebuilt gets none")
  func superseded() async throws {
    let registry = try Registry()
    var node = try await Node(registry)
    try await node.set(Self.second)
    let first = try #require(try await order(registry).first)
    try await node.report()
    try await node.set(Self.third)
    try await order(registry)
    #expect(try await node.history().map(\.result) == [nil, .superseded])
    // What was under way ends when it ends; then comes the next.
    node.running = Self.second
    #expect(try await node.report(RolloutReport(order: first.identifier, state: .succeeded))?.closure == Self.third)
    #expect(try await node.history().map(\.result) == [nil, .superseded])

    var request = RebuildRequest()
    request.digest = try await registry.fleet.previewRebuild("node1", request).digest
    _ = try await registry.fleet.rebuild("node1", request)
    #expect(try await node.report() == nil)
  }
}
