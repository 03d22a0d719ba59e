import AgentProtocol
import Fleet
import Foundation
import Testing

@Suite("Tasks for running nodes", .timeLimit(.minutes(10)))
struct TaskTests {
  static func up() throws -> NodeTask { .stack(.up, try StackTarget("photos")) }
  static func rollback() throws -> NodeTask { .rollBackSnapshot(try StackName("photos"), try SnapshotName("before")) }

  /// A machine whose node reports with the tasks that it knows.
  struct Node {
    var machine: InstalledMachine
    var counter: UInt64 = 10
    var fleet: Fleet { machine.registry.fleet }

    init() async throws { machine = try await InstalledMachine(Registry()) }

    @discardableResult
    mutating func report(_ tasks: [NodeTaskReport]? = []) async throws -> NodeOrders {
      counter += 1
      return try await machine.agent.report(machine.registry, counter: counter, tasks: tasks)
    }

    func queue(_ task: NodeTask, consents: Bool = false) async throws -> TaskDetail {
      var request = QueueTask(task)
      request.consents = consents
      return try await fleet.queue(request, for: "node1")
    }

    func state(_ task: TaskDetail) async throws -> MachineTask.State {
      try await fleet.task(task.task.identifier.text).task.state
    }
  }

  func told(_ order: NodeTaskOrder?, _ state: NodeTaskReport.State, output: String? = nil) throws
    -> NodeTaskReport
  {
    var report = NodeTaskReport(identifier: try #require(order?.identifier), state: state)
    report.output = output
    if state.isFinal { report.exitCode = state == .succeeded ? 0 : 3 }
    return report
  }

  @Test("a task is queued, told until it was heard, runs, and ends with what it printed; then the next is told")
  func course() async throws {
    var node = try await Node()
    let idle = try await node.report()
    #expect(idle.task == nil && idle.nextReport == Fleet.reportInterval)
    let first = try await node.queue(try Self.up())
    let second = try await node.queue(.showStorage)
    #expect(second.ahead == 1 && first.ahead == 0)
    #expect(first.task.state == .queued && first.text == "stack up photos")

    let order = try await node.report().task
    #expect(order?.task == (try Self.up()) && order?.identifier == first.task.identifier)
    #expect(try await node.state(first) == .delivered)
    // The answer was lost: the same again.
    let again = try await node.report()
    #expect(again.task == order && again.nextReport == Fleet.taskReportInterval)
    // What the node has is not told again, and the second waits.
    #expect(try await node.report([told(order, .accepted)]).task == nil)
    #expect(try await node.state(first) == .running)
    let running = try await node.report([told(order, .running)])
    #expect(running.task == nil && running.nextReport == Fleet.taskReportInterval)
    let next = try await node.report([told(order, .succeeded, output: "photos  started\n")])
    #expect(next.task?.identifier == second.task.identifier)
    let ended = try await node.fleet.task(first.task.identifier.text).task
    #expect(ended.state == .succeeded && ended.exitCode == 0 && ended.output == "photos  started\n")
    #expect(ended.startedAt != nil && ended.endedAt != nil && ended.deliveredAt != nil)

    // The same end told again, and another one: what ended stays as it is.
    _ = try await node.report([told(order, .failed), told(next.task, .failed)])
    #expect(try await node.fleet.task(first.task.identifier.text).task == ended)
    #expect(try await node.fleet.task(second.task.identifier.text).task.standing == "failed with 3")
    #expect(try await node.report().nextReport == Fleet.taskReportInterval)
    node.machine.registry.pass(seconds: 300)
    #expect(try await node.report().nextReport == Fleet.reportInterval)
    let texts = try await node.machine.texts()
    #expect(texts.contains("the operator asked for 'stack up photos'"))
    #expect(texts.contains { $0.contains("'stack up photos'") && $0.contains("succeeded") })
    // Questions change nothing, and fill no log.
    #expect(!texts.contains { $0.contains("storage show") })
  }

  @Test("the list has all tasks, the newest first, and not what they printed")
  func list() async throws {
    var node = try await Node()
    let task = try await node.queue(.showStorage)
    let order = try await node.report().task
    _ = try await node.report([told(order, .succeeded, output: "pool")])
    let later = try await node.queue(.showCoverage)
    let all = try await node.fleet.tasks()
    #expect(all.map(\.task.identifier) == [later.task.identifier, task.task.identifier] && all[0].machine == "node1")
    #expect(all.allSatisfy { $0.task.output == nil })
    #expect(try await node.fleet.tasks(of: "node1").count == 2)
    #expect(await refusal { _ = try await node.fleet.tasks(of: "none") } as? FleetError == .noSuchMachine("none"))
    #expect(
      await refusal { _ = try await node.fleet.task("none") } as? FleetError == .notFound(kind: "task", name: "none"))
  }

  @Test("a queued task is taken back; one that the node may have is not")
  func cancel() async throws {
    var node = try await Node()
    let task = try await node.queue(try Self.up())
    #expect(try await node.fleet.cancelTask(task.task.identifier.text).task.state == .cancelled)
    #expect(try await node.report().task == nil)
    #expect(await refusal { _ = try await node.fleet.cancelTask(task.task.identifier.text) } is FleetError)
    let told = try await node.queue(try Self.up())
    _ = try await node.report()
    #expect(await refusal { _ = try await node.fleet.cancelTask(told.task.identifier.text) } is FleetError)
    #expect(try await node.state(told) == .delivered)
  }

  @Test("what can not be taken back needs consent, and the consent is on record")
  func consent() async throws {
    let node = try await Node()
    let photos = try StackName("photos")
    let tasks: [NodeTask] = [
      try Self.rollback(), .destroySnapshot(photos, try SnapshotName("a")), .restore(photos, .latest, plan: nil),
    ]
    for task in tasks {
      #expect(await refusal { _ = try await node.queue(task) } is FleetError)
      #expect(try await node.fleet.tasks().allSatisfy { $0.task.task != task })
      #expect(try await node.queue(task, consents: true).task.consentedAt != nil)
    }
    #expect(
      try await node.machine.texts("consent").contains("the operator asked for 'snapshot rollback photos before'"))
    #expect(try await node.queue(.showStorage, consents: true).task.consentedAt == nil)
    #expect(await refusal { _ = try await node.queue(.logs(StackTarget(photos), lines: 5000)) } is FleetError)
  }

  @Test("a task that the node does not know any more was interrupted, and is not told again")
  func forgotten() async throws {
    var node = try await Node()
    let task = try await node.queue(try Self.rollback(), consents: true)
    let order = try await node.report().task
    _ = try await node.report([told(order, .running)])
    #expect(try await node.report([]).task == nil)
    #expect(try await node.state(task) == .interrupted)
    #expect(try await node.machine.texts("alarm").contains { $0.contains("does not know it any more") })
    let other = try await node.queue(try Self.up())
    let next = try await node.report().task
    #expect(next?.identifier == other.task.identifier)
    _ = try await node.report([told(next, .interrupted)])
    #expect(try await node.state(other) == .interrupted)
  }

  @Test("an agent that takes no tasks gets none, and loses none")
  func olderAgent() async throws {
    var node = try await Node()
    let task = try await node.queue(try Self.up())
    #expect(try await node.report(nil).task == nil)
    #expect(try await node.state(task) == .queued)
    #expect(try await node.report().task?.identifier == task.task.identifier)
  }

  @Test("words about tasks of others, of nobody, and of those that were not told count for nothing")
  func lies() async throws {
    var node = try await Node()
    let task = try await node.queue(try Self.up())
    let waiting = try await node.queue(.showStorage)
    let order = try await node.report().task
    let lie = NodeTaskReport(identifier: waiting.task.identifier, state: .succeeded)
    let strange = NodeTaskReport(identifier: TaskIdentifier(), state: .succeeded)
    _ = try await node.report([told(order, .running), lie, strange])
    #expect(try await node.state(waiting) == .queued)
    #expect(try await node.state(task) == .running)
    #expect(try await node.fleet.tasks().count == 2)
  }

  @Test("what a node prints is bounded, its code is one, and its reasons steer no terminal")
  func bounded() async throws {
    var node = try await Node()
    let task = try await node.queue(.showStorage)
    let order = try await node.report().task
    var report = try told(order, .failed, output: String(repeating: "x", count: NodeTaskReport.outputLimit) + "end")
    report.messages = String(repeating: "y", count: NodeTaskReport.messageLimit + 1)
    report.exitCode = 70_000
    report.reason = "\u{1B}[31mred"
    _ = try await node.report([report])
    let ended = try await node.fleet.task(task.task.identifier.text).task
    #expect(ended.output?.utf8.count == NodeTaskReport.outputLimit && ended.output?.hasSuffix("end") == true)
    #expect(ended.messages?.utf8.count == NodeTaskReport.messageLimit && ended.isCut)
    #expect(ended.exitCode == nil && ended.reason == "\u{FFFD}[31mred")
  }

  @Test("the list of open tasks and the history of ended ones have an end")
  func history() async throws {
    var node = try await Node()
    /// So many more like the one that is there, in one transaction.
    func multiply(_ count: Int, where condition: String) throws {
      let columns = "machine, install, task, wantsJSON, state, queuedAt, endedAt, isCut"
      let made = try node.machine.registry.sql(
        """
        WITH RECURSIVE number(value) AS (SELECT 1 UNION ALL SELECT value + 1 FROM number WHERE value < \(count))
        INSERT INTO nodeTask (\(columns), identifier) SELECT \(columns), identifier || '-' || value
          FROM nodeTask, number WHERE \(condition) RETURNING identifier
        """, as: String.self)
      #expect(made.count == count)
    }
    let ended = try await node.queue(.showStorage)
    _ = try await node.fleet.cancelTask(ended.task.identifier.text)
    try multiply(2 * Fleet.endedTaskLimit, where: "endedAt IS NOT NULL")
    let first = try await node.queue(.showStorage)
    try multiply(Fleet.openTaskLimit - 2, where: "endedAt IS NULL")
    let last = try await node.queue(.showStorage)
    #expect(await refusal { _ = try await node.queue(.showStorage) } is FleetError)
    _ = try await node.fleet.cancelTask(last.task.identifier.text)
    let tasks = try await node.fleet.tasks()
    #expect(tasks.filter { $0.task.state == .cancelled }.count == Fleet.endedTaskLimit)
    #expect(tasks.first?.task.identifier == last.task.identifier)
    #expect(tasks.filter { $0.task.state == .queued }.count == Fleet.openTaskLimit - 1)
    #expect(try await node.report().task?.identifier == first.task.identifier)
  }

  @Test("the node that a rebuild makes is not told what its predecessor was asked for")
  func installedAnew() async throws {
    var node = try await Node()
    let told = try await node.queue(try Self.rollback(), consents: true)
    let waiting = try await node.queue(try Self.up())
    _ = try await node.report()
    try await node.machine.rebuild()
    #expect(await refusal { _ = try await node.queue(.showStorage) } is FleetError)
    // The node of before is told nothing new, while the rebuild is armed.
    #expect(try await node.report().task == nil)
    let task = try #require(try await node.machine.boot().install)
    try await node.machine.agent.installed(
      node.machine.registry, task: task.identifier, disks: [InstalledMachine.record], before: [], after: [])
    node.counter = 1
    #expect(try await node.report().task == nil)
    #expect(try await node.machine.machine().state == .active)
    #expect(try await node.state(told) == .interrupted)
    #expect(try await node.state(waiting) == .cancelled)
    let next = try await node.queue(try Self.up())
    #expect(try await node.report().task?.identifier == next.task.identifier)
  }

  @Test("tasks are kept by the file, and go with their machine")
  func kept() async throws {
    let node = try await Node()
    let task = try await node.queue(try Self.up())
    #expect(try await node.machine.registry.reopened().task(task.task.identifier.text).task == task.task)
    try await node.fleet.remove("node1")
    #expect(try await node.fleet.tasks().isEmpty)
  }

  @Test("a node with stacks reports more often")
  func interval() async throws {
    var node = try await Node()
    var request = SetMachine()
    request.stacks = ["photos"]
    _ = try await node.fleet.set("node1", request)
    #expect(try await node.report().nextReport == Fleet.stackReportInterval)
  }
}
