import AgentProtocol
import DiskLayout
import Fleet
import Foundation
import NetworkAddress
import Testing

@Suite("Systems that machines build themselves")
struct MachineBuiltTests {
  static let built = "/nix/store/" + String(repeating: "1", count: 32) + "-nixos-system-node1"
  static let flake = String(repeating: "a", count: 64)

  let registry: Registry

  init() throws { registry = try Registry() }

  /// Boots an installer.
  private func boot(_ agent: inout Agent, buildsSystems: Bool?, _ contents: DiskContents = DiskContents())
    async throws -> AgentTask
  {
    registry.pass(seconds: 30)
    agent = try Agent()
    var inventory = try InstalledMachine.inventory(disks: [InstalledMachine.disk("SN1", contents: contents)])
    inventory.buildsSystems = buildsSystems
    _ = try await agent.claim(registry, nonce: try await registry.boot().nonce, inventory: inventory)
    return try await agent.task(registry)
  }

  private func machine() async throws -> Machine { try await registry.fleet.machine("node1").machine }

  private func set(closure: String) async throws {
    var change = SetMachine()
    change.closure = closure
    _ = try await registry.fleet.set("node1", change)
  }

  @Test("an image with Nix installs from the flake what has no closure; what it built becomes the machine's system")
  func install() async throws {
    try await registry.add(closure: nil)
    var agent = try Agent()
    let first = try await boot(&agent, buildsSystems: true)
    let task = try #require(first.install)
    #expect(task.closure == nil && task.flake == nil, "whoever answers the agent adds the flake")
    try await agent.installed(
      registry, task: task.identifier, disks: [InstalledMachine.record], closure: Self.built, flake: Self.flake)
    let detail = try await registry.fleet.machine("node1")
    #expect(detail.machine.closure == Self.built && detail.machine.state == .installed)
    #expect(detail.build?.closure == Self.built && detail.build?.onMachine == true && detail.build?.flake == Self.flake)
    try await agent.report(registry, closure: Self.built)
    #expect(try await machine().hasDrifted == false)

    // The appliance's cache has nothing of it: a rebuild builds again.
    var request = RebuildRequest()
    request.digest = try await registry.fleet.previewRebuild("node1", request).digest
    _ = try await registry.fleet.rebuild("node1", request)
    let contents = InstalledMachine.contents(of: task.plan)
    let withoutNix = try await boot(&agent, buildsSystems: nil, contents)
    let reason = try #require(withoutNix.reason)
    #expect(reason.contains("built on the machine itself, and this image has no Nix"), "\(reason)")
    #expect(reason.contains("bootstead build node1") && reason.contains("--image"), "\(reason)")
    let withNix = try await boot(&agent, buildsSystems: true, contents)
    let again = try #require(withNix.install)
    #expect(again.closure == nil && again.rebuild != nil)
    try await set(closure: Registry.closure)
    #expect(try await agent.task(registry).install?.closure == Registry.closure)
  }

  @Test("an image without Nix waits for a system, and says how to get one")
  func noNix() async throws {
    try await registry.add(closure: nil)
    var agent = try Agent()
    let answer = try await boot(&agent, buildsSystems: nil)
    let reason = try #require(answer.reason)
    for text in ["no system chosen", "bootstead build node1", "--closure", "NixOS installer", "--image"] {
      #expect(reason.contains(text), "\(reason)")
    }
    #expect(try await machine().state == .booting)
  }

  @Test("an image with Nix copies a closure that is set, and what the operator sets meanwhile stays")
  func closureWins() async throws {
    try await registry.add()
    var agent = try Agent()
    let answer = try await boot(&agent, buildsSystems: true)
    let task = try #require(answer.install)
    #expect(task.closure == Registry.closure)
    try await agent.installed(
      registry, task: task.identifier, disks: [InstalledMachine.record], closure: Self.built, flake: Self.flake)
    #expect(try await machine().closure == Registry.closure)
    #expect(try await registry.fleet.machine("node1").build == nil)
  }

  @Test(
    "a report of a build that makes no sense is refused",
    arguments: [
      ("none", MachineBuiltTests.built), (String(repeating: "A", count: 64), MachineBuiltTests.built),
      (MachineBuiltTests.flake, "/etc"), (MachineBuiltTests.flake, "/nix/store/../../etc"),
    ])
  func oddReport(flake: String, closure: String) async throws {
    try await registry.add(closure: nil)
    var agent = try Agent()
    let answer = try await boot(&agent, buildsSystems: true)
    let task = try #require(answer.install)
    var same = agent
    let error = await refusal {
      try await same.installed(registry, task: task.identifier, closure: closure, flake: flake)
    }
    #expect(error != nil)
    let machine = try await machine()
    #expect(machine.state == .installing && machine.closure == nil)
  }

  @Test("why a flake can not be made is told wherever somebody looks")
  func noFlake() async throws {
    try await registry.add(closure: nil)
    var agent = try Agent()
    for _ in 0..<3 {
      _ = try await boot(&agent, buildsSystems: true)
      try await registry.fleet.wait(of: try MachineName("node1"), for: "this appliance has no templates")
    }
    #expect(try await machine().planRefusal == "this appliance has no templates")
    let told = try await registry.fleet.events(of: "node1").filter { $0.kind == "refusal" }.map(\.text)
    #expect(Set(told) == ["not installed: this appliance has no templates"])
  }
}
