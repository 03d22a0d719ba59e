import AgentProtocol
import Fleet
import Foundation
import Testing

@Suite("Tasks that are given up, and those that leave no trace", .timeLimit(.minutes(10)))
struct GivenUpTaskTests {
  @Test(
    "a task of a node that went silent is given up, so that later ones go on; what it tells of it later is recorded")
  func abandoned() async throws {
    var node = try await TaskTests.Node()
    let (first, second) = (try await node.queue(try TaskTests.up()), try await node.queue(.showStorage))
    let order = try await node.report().task
    _ = try await node.report([TaskTests().told(order, .running)])
    #expect(await refusal { _ = try await node.fleet.cancelTask(first.task.identifier.text) } is FleetError)
    node.machine.registry.pass(seconds: 200)
    let given = try await node.fleet.cancelTask(first.task.identifier.text)
    #expect(given.task.state == .abandoned && given.task.reason?.contains("do it yet") == true)
    #expect(try await node.machine.texts("alarm").contains { $0.contains("abandoned") })
    // It comes back, still at it: the next is told meanwhile, and waits on the node.
    let next = try await node.report([TaskTests().told(order, .running)]).task
    #expect(next?.identifier == second.task.identifier)
    #expect(try await node.fleet.task(first.task.identifier.text).task.reason?.contains("has told since") == true)
    _ = try await node.report([TaskTests().told(order, .succeeded, output: "done"), TaskTests().told(next, .accepted)])
    let ended = try await node.fleet.task(first.task.identifier.text).task
    #expect(ended.state == .succeeded && ended.output == "done" && ended.reason == nil)
    #expect(await refusal { _ = try await node.fleet.cancelTask(first.task.identifier.text) } is FleetError)
  }

  @Test("one that a node was told, and that it never took up, is given up too, and not told again")
  func neverTakenUp() async throws {
    var node = try await TaskTests.Node()
    let (task, later) = (try await node.queue(try TaskTests.up()), try await node.queue(.showStorage))
    _ = try await node.report()
    for _ in 0..<4 {
      node.machine.registry.pass(seconds: 60)
      _ = try await node.report()
    }
    #expect(try await node.fleet.cancelTask(task.task.identifier.text).task.state == .abandoned)
    #expect(try await node.report().task?.identifier == later.task.identifier)
  }

  @Test("of the questions of somebody who follows a log only the last is kept: the history of real tasks stays")
  func followed() async throws {
    var node = try await TaskTests.Node()
    let kept = try await node.queue(.showStorage)
    var order = try await node.report().task
    for _ in 0..<3 {
      _ = try await node.queue(.followLogs(try StackTarget("photos"), lines: 5, since: nil))
      order = try await node.report([TaskTests().told(order, .succeeded, output: "x")]).task
    }
    _ = try await node.report([TaskTests().told(order, .succeeded, output: "x")])
    let all = try await node.fleet.tasks(of: "node1")
    #expect(all.count == 2 && all.last?.task.identifier == kept.task.identifier)
    #expect(!(try await node.machine.texts().contains { $0.contains("logs") }))
  }
}
