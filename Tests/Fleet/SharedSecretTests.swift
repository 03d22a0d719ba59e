import AgentProtocol
import DiskLayout
import Fleet
import Foundation
import NetworkAddress
import Testing

@Suite("The one secret of a cluster's machines", .timeLimit(.minutes(10)))
struct SharedSecretTests {
  private func add(_ name: String, _ address: String, to fleet: Fleet) async throws {
    _ = try await fleet.add(
      AddMachine(name: try MachineName(name), addresses: [try MACAddress(address)], layout: LayoutSpec()))
  }

  private func token(_ orders: NodeOrders, _ agent: Agent) throws -> String? {
    guard let secret = orders.secrets?.first(where: { $0.name == "k3s-home" }) else { return nil }
    return String(decoding: try AgeFile.open(Array(secret.sealed), with: agent.identity), as: UTF8.self)
  }

  private func share(_ machines: [String], _ fleet: Fleet, firstUse: Bool = true) async throws -> SharedSecretAnswer {
    try await fleet.shareSecret(SharedSecret(secret: "k3s-home", machines: machines, firstUse: firstUse))
  }

  @Test("It is made once, goes to each machine sealed, and to one that joins later as the same")
  func shared() async throws {
    let node = try await InstalledMachine(Registry())
    let fleet = node.registry.fleet
    try await add("node2", "52:54:00:00:00:12", to: fleet)
    try await add("node3", "52:54:00:00:00:13", to: fleet)
    let first = try await share(["node1", "node2"], fleet)
    #expect(first.isNew && first.given == ["node1", "node2"])
    let made = try #require(try token(try await node.agent.report(node.registry, counter: 2, secrets: [:]), node.agent))
    #expect(made.utf8.count == 64 && made.allSatisfy(\.isHexDigit))

    // A machine that joins gets what the others have, even where the first server lost it.
    try await fleet.removeSecret(named: "k3s-home", of: "node1")
    let later = try await share(["node1", "node2", "node3"], fleet)
    #expect(!later.isNew && later.given == ["node1", "node3"])
    #expect(try token(try await node.agent.report(node.registry, counter: 3, secrets: [:]), node.agent) == made)
    #expect(try await share(["node1", "node2", "node3"], fleet).given == [])
    for name in ["node1", "node2", "node3"] {
      #expect(try await fleet.secrets(of: name).map(\.name) == ["k3s-home"])
      #expect(try await fleet.events(of: name).allSatisfy { !"\($0)".contains(made) })
    }
  }

  @Test("Different ones, no machine, an unknown machine and a bad name are refused, and nothing changes")
  func refused() async throws {
    let fleet = try await InstalledMachine(Registry()).registry.fleet
    try await add("node2", "52:54:00:00:00:12", to: fleet)
    try await add("node3", "52:54:00:00:00:13", to: fleet)
    try await fleet.setSecret(Data("one".utf8), named: "k3s-home", of: "node1")
    try await fleet.setSecret(Data("two".utf8), named: "k3s-home", of: "node2")
    await #expect(throws: FleetError.self) { try await share(["node1", "node2", "node3"], fleet) }
    await #expect(throws: FleetError.self) { try await share([], fleet) }
    await #expect(throws: FleetError.self) { try await share(["node3", "none"], fleet) }
    await #expect(throws: FleetError.self) {
      try await fleet.shareSecret(SharedSecret(secret: "../x", machines: ["node3"], firstUse: true))
    }
    #expect(try await fleet.secrets(of: "node3") == [])
  }

  @Test("It stays back from a machine whose code nobody compared, unless first use is said")
  func trust() async throws {
    let node = try await InstalledMachine(Registry())
    _ = try await share(["node1"], node.registry.fleet, firstUse: false)
    #expect(try token(try await node.agent.report(node.registry, counter: 2, secrets: [:]), node.agent) == nil)
  }
}
