import AgentProtocol
import Fleet
import Foundation
import Testing

@Suite("Alarms of nodes", .timeLimit(.minutes(10)))
struct AlarmTests {
  private struct Node {
    var machine: InstalledMachine
    var counter: UInt64 = 10

    init() async throws { machine = try await InstalledMachine(Registry()) }

    mutating func report(_ alarms: [NodeAlarm]?) async throws {
      counter += 1
      try await machine.agent.report(machine.registry, counter: counter, alarms: alarms)
    }

    func shown() async throws -> [String] { try await machine.registry.fleet.machine("node1").alarms.map(\.text) }

    func events(_ kind: String) async throws -> [String] {
      try await machine.registry.fleet.events(of: "node1").filter { $0.kind == kind }.map(\.text)
    }
  }

  private let pool = NodeAlarm(subject: "pool data/thin: data", text: "the pool is full to 81.0 %")

  @Test("One that begins and one that ends are an event each, however often it is reported and its numbers change")
  func course() async throws {
    var node = try await Node()
    try await node.report([])
    let before = try await (node.events("alarm").count, node.events("progress").count)
    try await node.report([pool])
    let since = try await node.machine.registry.fleet.machine("node1").alarms.map(\.since)
    try await node.report([pool])
    node.machine.registry.pass(seconds: 60)
    try await node.report([NodeAlarm(subject: pool.subject, text: "the pool is full to 82.0 %")])
    #expect(try await node.shown() == ["the pool is full to 82.0 %"])
    #expect(try await node.machine.registry.fleet.machine("node1").alarms.map(\.since) == since)
    #expect(try await node.events("alarm").count == before.0 + 1)
    // An agent that does not look, or has not looked yet, ends none.
    try await node.report(nil)
    #expect(try await node.shown().count == 1)
    try await node.report([])
    try await node.report([])
    #expect(try await node.shown() == [])
    #expect(try await node.events("alarm").count == before.0 + 1)
    let ended = try await node.events("progress")
    #expect(ended.count == before.1 + 1)
    #expect(ended.contains("no alarm any more: the pool is full to 82.0 %"))
  }

  @Test("A node that sends thousands, long ones, or such that steer a terminal, fills neither the disk nor the screen")
  func hostile() async throws {
    var node = try await Node()
    let text = "\u{1B}[2J\u{202E}" + String(repeating: "x", count: 10_000)
    try await node.report((0..<5000).map { NodeAlarm(subject: "\($0)" + text, text: text) })
    let shown = try await node.shown()
    #expect(shown.count == NodeAlarm.limit)
    #expect(shown.allSatisfy { $0.count <= NodeAlarm.textLimit && !$0.contains("\u{1B}") && !$0.contains("\u{202E}") })
    #expect(shown.contains { $0.contains("further alarms") })
    let twice = NodeAlarm(subject: "a\u{1B}", text: "one")
    try await node.report([twice, NodeAlarm(subject: "a\u{7}", text: "two")])
    #expect(try await node.shown() == ["one"])
  }

  @Test("Those of a machine that does not run are not shown")
  func gone() async throws {
    var node = try await Node()
    try await node.report([pool])
    #expect(try await node.shown().count == 1)
    let fleet = node.machine.registry.fleet
    var request = RebuildRequest()
    request.digest = try await fleet.previewRebuild("node1", request).digest
    _ = try await fleet.rebuild("node1", request)
    #expect(try await node.shown() == [])
  }
}
