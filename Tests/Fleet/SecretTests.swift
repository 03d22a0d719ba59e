import AgentProtocol
import Fleet
import Foundation
import Testing

@Suite("Secrets of running nodes", .timeLimit(.minutes(10)))
struct SecretTests {
  private func opened(_ orders: NodeOrders, _ agent: Agent) throws -> [String: String] {
    var values: [String: String] = [:]
    for secret in orders.secrets ?? [] {
      values[secret.name] = String(
        decoding: try AgeFile.open(Array(secret.sealed), with: agent.identity), as: UTF8.self)
    }
    return values
  }

  private func revisions(_ orders: NodeOrders) -> [String: String] {
    Dictionary((orders.secrets ?? []).map { ($0.name, $0.revision) }, uniquingKeysWith: { first, _ in first })
  }

  @Test("a running node gets a new secret, a changed one once more, and is told of one that was taken back")
  func delivery() async throws {
    let node = try await InstalledMachine(Registry())
    let fleet = node.registry.fleet
    try await fleet.setSecret(Data("first".utf8), named: "token", of: "node1", firstUse: true)
    #expect(try await fleet.secrets(of: "node1").map(\.isOnNode) == [false])
    // An agent that takes none.
    #expect(try await node.agent.report(node.registry, counter: 2).secrets == nil)

    let first = try await node.agent.report(node.registry, counter: 3, secrets: [:])
    #expect(try opened(first, node.agent) == ["token": "first"])
    // Not told that it has it: the same again.
    let again = try await node.agent.report(node.registry, counter: 4, secrets: ["token": ""])
    #expect(revisions(again) == revisions(first))
    #expect(try await fleet.secrets(of: "node1").map(\.isOnNode) == [false])
    let held = revisions(first)
    #expect(try await node.agent.report(node.registry, counter: 5, secrets: held).secrets == nil)
    #expect(try await fleet.secrets(of: "node1").map(\.isOnNode) == [true])
    #expect(try await fleet.events(of: "node1").filter { $0.text == "the node has the secret 'token'" }.count == 1)

    try await fleet.setSecret(Data("second".utf8), named: "token", of: "node1", firstUse: true)
    #expect(try await fleet.secrets(of: "node1").map(\.isOnNode) == [false])
    let second = try await node.agent.report(node.registry, counter: 6, secrets: held)
    #expect(try opened(second, node.agent) == ["token": "second"])

    try await fleet.removeSecret(named: "token", of: "node1")
    let last = try await node.agent.report(node.registry, counter: 7, secrets: revisions(second))
    #expect(last.secrets == nil && last.obsoleteSecrets == ["token"])
    #expect(await refusal { try await fleet.removeSecret(named: "token", of: "node1") } is FleetError)
  }

  @Test("a node whose code nobody compared gets only what is for first use")
  func trust() async throws {
    let node = try await InstalledMachine(Registry())
    try await node.registry.fleet.setSecret(Data("a".utf8), named: "compared", of: "node1")
    try await node.registry.fleet.setSecret(Data("b".utf8), named: "first", of: "node1", firstUse: true)
    let orders = try await node.agent.report(node.registry, counter: 2, secrets: [:])
    #expect(try opened(orders, node.agent) == ["first": "b"])
  }

  @Test("secrets that do not fit into one answer come with the next ones, and each in the end")
  func large() async throws {
    let node = try await InstalledMachine(Registry())
    for name in ["a", "b", "c"] {
      try await node.registry.fleet.setSecret(
        Data(repeating: 7, count: 700_000), named: name, of: "node1", firstUse: true)
    }
    var held: [String: String] = [:]
    var answers = 0
    while held.count < 3, answers < 9 {
      answers += 1
      let orders = try await node.agent.report(node.registry, counter: UInt64(1 + answers), secrets: held)
      #expect(try MessageCoder.encode(orders).count < MessageCoder.limit)
      held.merge(revisions(orders)) { _, new in new }
    }
    #expect(held.count == 3 && answers == 3)
  }

  @Test("no event and no answer about a machine has a secret in it")
  func shownNowhere() async throws {
    let node = try await InstalledMachine(Registry())
    let fleet = node.registry.fleet
    try await fleet.setSecret(Data("correct horse".utf8), named: "token", of: "node1", firstUse: true)
    let orders = try await node.agent.report(node.registry, counter: 2, secrets: [:])
    try await node.agent.report(node.registry, counter: 3, secrets: revisions(orders))
    let shown =
      try JSONEncoder().encode(try await fleet.secrets(of: "node1"))
      + JSONEncoder().encode(try await fleet.machine("node1"))
      + JSONEncoder().encode(try await fleet.events(of: "node1")) + Data(MessageCoder.encode(orders))
    #expect(!String(decoding: shown, as: UTF8.self).contains("horse"))
  }
}
