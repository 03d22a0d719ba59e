import AgentProtocol
import Foundation
import NodeAgent
import ProgramRunner
import Synchronization
import Testing

@Suite("Tasks of a running node", .timeLimit(.minutes(10)))
struct TaskTests {
  static func order(_ number: Int, _ task: NodeTask = .showStorage) throws -> NodeTaskOrder {
    NodeTaskOrder(identifier: try TaskIdentifier("task-000\(number)"), task: task, wantsJSON: false)
  }

  private static func last(_ appliance: FakeAppliance) -> [NodeTaskReport] {
    appliance.read(\.nodeReports).last?.tasks ?? []
  }

  private static func states(_ appliance: FakeAppliance) -> [NodeTaskReport.State] {
    appliance.read(\.nodeReports).compactMap { $0.tasks?.first?.state }
  }

  @Test("a task that comes again and again is run once; what came of it is told until it was heard")
  func once() async throws {
    let scene = try TaskScene()
    let order = try Self.order(1, .stack(.up, try StackTarget("photos/server")))
    scene.appliance.change { $0.orders = [NodeOrders(nextReport: 7, task: order)] }
    let runner = GatedRunner(output: CommandOutput(standardOutput: "out", standardError: "said", code: 3))
    try await scene.stay(runner) { appliance in
      let states = Self.states(appliance)
      return states.contains(.failed) && states.count >= 10
    }
    #expect(
      runner.lines.count == 1 && runner.lines[0].hasPrefix("stacks up photos/server --state \(scene.folder.path)"))
    let reports = scene.appliance.read(\.nodeReports)
    #expect(reports.first?.tasks == [])
    let end = try #require(reports.compactMap { $0.tasks?.first }.first { $0.state == .failed })
    #expect(end.exitCode == 3 && end.output == "out" && end.messages == "said" && end.isCut == nil)
    // An appliance that has forgotten the end hears that, and the task is not begun again.
    #expect(Self.states(scene.appliance).contains(.interrupted))
  }

  @Test("reports go on while a task runs, and the end is told without waiting for the next")
  func slow() async throws {
    let scene = try TaskScene()
    let order = try Self.order(1)
    scene.appliance.change { $0.orders = [NodeOrders(nextReport: 7, task: order)] }
    let runner = GatedRunner(isOpen: false)
    try await scene.stay(runner) { appliance in
      let states = Self.states(appliance)
      if states.count(where: { $0 == .running }) >= 5 { runner.open() }
      return states.contains(.succeeded)
    }
    #expect(runner.lines.count == 1)
  }

  @Test("an order to restart waits until the task has ended")
  func restartWaits() async throws {
    let scene = try TaskScene()
    let order = try Self.order(1)
    scene.appliance.change {
      $0.orders = [NodeOrders(nextReport: 7, task: order), NodeOrders(nextReport: 7, networkBoot: "rebuild-1")]
    }
    let runner = GatedRunner(isOpen: false)
    let restarts = Counter()
    let early = Mutex(false)
    let record = scene.folder.path + NetworkBoot.path
    try await scene.stay(runner, restarts: restarts) { appliance in
      let isRestarted = FileManager.default.fileExists(atPath: record)
      if appliance.read(\.nodeReports).count >= 6, runner.most == 1, !Self.states(appliance).contains(.succeeded) {
        early.withLock { $0 = $0 || isRestarted }
        runner.open()
      }
      return isRestarted
    }
    #expect(early.withLock { !$0 } && Self.states(scene.appliance).contains(.succeeded))
    #expect(restarts.next() == 2)
  }

  @Test("a task whose agent was killed is told as interrupted, and is not begun again when it comes again")
  func killed() async throws {
    let scene = try TaskScene()
    let order = try Self.order(1, .restore(try StackName("photos"), .latest, plan: nil))
    scene.appliance.change { $0.orders = [NodeOrders(nextReport: 7, task: order)] }
    let runner = GatedRunner(isOpen: false)
    try await scene.stay(runner) { Self.states($0).contains(.running) }
    #expect(runner.lines.count == 1)
    let second = GatedRunner()
    try await scene.stay(second) { Self.states($0).count(where: { $0 == .interrupted }) >= 2 }
    #expect(second.lines.isEmpty)
    #expect(!Self.states(scene.appliance).contains(.succeeded))
  }

  @Test("a task that ended before the agent was killed is told as it ended, and is not begun again")
  func killedBeforeReport() async throws {
    let scene = try TaskScene()
    let runner = GatedRunner(output: CommandOutput(standardOutput: "out"))
    let tasks = scene.tasks(runner)
    #expect(await tasks.accept(try Self.order(1)))
    let work = Task { try await tasks.work() }
    await tasks.ends.wait()
    work.cancel()
    let again = scene.tasks(runner)
    #expect(await again.reports.map(\.state) == [.succeeded])
    #expect(await again.reports.first?.output == "out")
    #expect(await !again.accept(try Self.order(1)))
    #expect(await !again.isBusy && runner.lines.count == 1)
    await again.acknowledge(again.reports)
    #expect(await scene.tasks(runner).reports.isEmpty)
  }

  @Test("tasks run one at a time, in the order in which they came, also those that a restart found waiting")
  func order() async throws {
    let scene = try TaskScene()
    let first = scene.tasks(GatedRunner())
    for number in 1...3 {
      #expect(await first.accept(try Self.order(number, .logs(StackTarget(stack), lines: number))))
    }
    let runner = GatedRunner()
    let tasks = scene.tasks(runner)
    #expect(await tasks.reports.map(\.state) == [.accepted, .accepted, .accepted])
    let work = Task { try await tasks.work() }
    while await tasks.isBusy { try await Task.sleep(for: .milliseconds(2)) }
    work.cancel()
    for number in 1...3 { #expect(runner.lines[number - 1].hasPrefix("stacks logs --lines \(number) photos")) }
    #expect(runner.most == 1)
  }

  @Test("a task that this agent does not know fails with what to do, and nothing is run")
  func unknown() async throws {
    let scene = try TaskScene()
    let json = #"{"identifier":"0123456789abcdef","task":{"task":"dance"}}"#
    let order = try MessageCoder.decode(NodeTaskOrder.self, from: Array(json.utf8))
    let runner = GatedRunner()
    let tasks = scene.tasks(runner)
    _ = await tasks.accept(order)
    let report = try #require(await tasks.reports.first)
    #expect(report.state == .failed && report.reason?.contains("newer system") == true)
    #expect(await !tasks.isBusy && runner.lines.isEmpty)
  }

  @Test("what can not be written down is not taken, and not run")
  func noRoom() async throws {
    let scene = try TaskScene()
    let tasks = NodeTasks(
      root: scene.folder.path + "/none", runner: GatedRunner(), program: "agent", log: AgentLog { _ in })
    #expect(await !tasks.accept(try Self.order(1)))
    #expect(await tasks.reports.isEmpty)
  }

  @Test("after its record was damaged, a node does not run the task that may be one that comes again; the next it does")
  func damaged() async throws {
    let scene = try TaskScene()
    try scene.folder.write("{", to: TaskJournal.path)
    let runner = GatedRunner()
    let tasks = scene.tasks(runner)
    _ = await tasks.accept(try Self.order(1))
    #expect(await tasks.reports.map(\.state) == [.interrupted])
    #expect(await tasks.accept(try Self.order(2)))
    let work = Task { try await tasks.work() }
    await tasks.ends.wait()
    work.cancel()
    #expect(await tasks.reports.map(\.state) == [.interrupted, .succeeded])
    #expect(runner.lines.count == 1)
  }

  @Test("the node's secrets are in nothing that is told")
  func secrets() async throws {
    let scene = try TaskScene()
    try scene.folder.write("hunter22\n", to: "/run/bootstead/secrets/DB_PASSWORD")
    try scene.folder.write("hunter22-and-more", to: "/run/bootstead/secrets/TOKEN")
    try scene.folder.write("on", to: "/run/bootstead/secrets/SHORT")
    let runner = GatedRunner(
      output: CommandOutput(
        standardOutput: "login hunter22, token hunter22-and-more, on", standardError: "no hunter22", code: 1))
    let tasks = scene.tasks(runner)
    _ = await tasks.accept(try Self.order(1))
    let work = Task { try await tasks.work() }
    await tasks.ends.wait()
    work.cancel()
    let report = try #require(await tasks.reports.first)
    #expect(report.output == "login [the secret DB_PASSWORD], token [the secret TOKEN], on")
    #expect(report.messages == "no [the secret DB_PASSWORD]")
  }

  @Test(
    "a real child's output and code are told, a signal too",
    arguments: [
      ("echo \"$*\"; echo said >&2; exit 4", NodeTaskReport.State.failed, 4, "storage show", "said\n"),
      ("exit 0", .succeeded, 0, "", ""), ("kill -9 $$", .failed, nil, "", nil),
      ("head -c 200000 /dev/zero | tr '\\0' x", .succeeded, 0, "xxxx", ""),
    ] as [(String, NodeTaskReport.State, Int?, String, String?)])
  func child(script: String, state: NodeTaskReport.State, code: Int?, output: String, messages: String?) async throws {
    let scene = try TaskScene()
    try scene.folder.write("#!/bin/sh\n\(script)\n", to: "/agent")
    let program = scene.folder.path + "/agent"
    try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: program)
    let tasks = scene.tasks(SubprocessRunner(), program: program)
    _ = await tasks.accept(try Self.order(1))
    let work = Task { try await tasks.work() }
    await tasks.ends.wait()
    work.cancel()
    let report = try #require(await tasks.reports.first)
    #expect(report.state == state && report.exitCode == code && report.output?.hasPrefix(output) == true, "\(report)")
    if let messages {
      #expect(report.messages == messages)
    } else {
      #expect(report.reason?.contains("signal 9") == true)
    }
    #expect((report.isCut ?? false) == (report.output?.utf8.count == NodeTaskReport.outputLimit))
  }

  @Test(
    "each task is a command of the agent",
    arguments: [
      (.applyStacks, "stacks apply --json"), (.stack(.down, nil), "stacks down --json"),
      (.logs(StackTarget(stack), lines: 20), "stacks logs --lines 20 photos"),
      (.processes(nil), "stacks ps --json"), (.usage(stack), "stacks stats --json photos"),
      (.showStorage, "storage show --json"), (.listSnapshots([stack]), "snapshot list --json photos"),
      (.recoverBackups, "backup recover --json"), (.showCoverage, "backup coverage --json"),
      (.listArchives(stack, plan: nil), "backup archives --json photos"),
      (.checkBackups([stack], plan: nil, verifiesData: true), "backup check --json --verify-data photos"),
      (.testRestore([stack]), "backup test-restore --json photos"),
      (.restore(stack, .latest, plan: nil), "backup restore --json --archive latest photos"),
      (.followLogs(StackTarget(stack), lines: 20, since: nil), "stacks logs --lines 20 --timestamps photos"),
      (.clusterNodes, "cluster nodes --json"), (.removeStack(stack), "stacks remove --json --keep-data photos"),
      (.forgetNode(nodeName("node-1")), "cluster forget --json node-1"),
      (.pruneBackups(planName("daily"), [stack]), "backup prune --json --stack photos daily"),
    ] as [(NodeTask, String)])
  func arguments(task: NodeTask, line: String) {
    #expect(task.arguments(asJSON: true).joined(separator: " ") == line)
    #expect(!task.arguments(asJSON: false).contains("--json"))
  }
}

private let stack = stackName("photos")
private func planName(_ text: String) -> BackupPlanName {
  do { return try BackupPlanName(text) } catch { fatalError("\(error)") }
}
private func nodeName(_ text: String) -> ClusterNodeName {
  do { return try ClusterNodeName(text) } catch { fatalError("\(error)") }
}
private func stackName(_ text: String) -> StackName {
  do { return try StackName(text) } catch { fatalError("\(error)") }
}
