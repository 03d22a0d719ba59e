import AgentProtocol
import BootDecision
import DiskLayout
import Fleet
import Foundation
import NetworkAddress
import Testing

@Suite("The course of a rebuild, and the orders of a node")
struct RebuildCourseTests {
  @Test("data that differs after a rebuild is an alarm, by the state that was saved before the first write")
  func differs() async throws {
    var node = try await InstalledMachine(Registry())
    try await node.rebuild()
    let task = try #require(try await node.boot().install)
    func print(_ digest: String) -> VolumeFingerprint {
      VolumeFingerprint(name: "appdata", uuid: "u", size: 5, depth: .full, digest: digest)
    }
    for digest in ["aa", "bb"] {
      try await node.agent.saved(
        node.registry,
        SavedDiskState(task: task.identifier, partitionTables: [:], volumeGroups: [:], fingerprints: [print(digest)]))
    }
    // An agent that began after a power cut took the second state for the one of before.
    try await node.agent.installed(
      node.registry, task: task.identifier, disks: [InstalledMachine.record], before: [print("bb")],
      after: [print("bb")])
    let machine = try await node.machine()
    #expect(machine.state == .installed && machine.comparison?.isEqual == false)
    #expect(machine.comparison?.differences.first?.contains("appdata") == true)
    #expect(try await node.texts("alarm").contains { $0.contains("THE DATA DIFFERS") })
  }

  @Test("a volume that nobody read afterwards counts as different")
  func unread() {
    let print = VolumeFingerprint(name: "appdata", uuid: "u", size: 5, depth: .full, digest: "aa")
    #expect(DataComparison(before: [print], after: [], at: Date()).differences.count == 1)
    #expect(DataComparison(before: [], after: [print], at: Date()).isEqual)
  }

  @Test("a rebuild that failed goes on after an approval, with the same install and the same consent")
  func goesOn() async throws {
    var node = try await InstalledMachine(Registry())
    try await node.rebuild { $0.mayRepairPool = true }
    let first = try #require(try await node.boot().install)
    try await node.agent.failed(node.registry, error: "the pool is damaged")
    guard case .hold(let reason) = try await node.registry.boot().intent else {
      Issue.record("a failed machine was not held")
      return
    }
    #expect(reason.contains("the pool is damaged"))
    _ = try await node.registry.fleet.approve("node1", ApproveMachine())
    let second = try #require(try await node.boot().install)
    #expect(second.identifier == first.identifier && second.rebuild == first.rebuild)
    #expect(second.rebuild?.mayRepairPool == true)
  }

  @Test("a rebuild that nobody started in time leaves the machine as it was, and its node makes it active again")
  func window() async throws {
    let node = try await InstalledMachine(Registry())
    let before = try await node.machine()
    try await node.rebuild { $0.window = 60 }
    node.registry.pass(seconds: 61)
    #expect(try await node.registry.boot().intent == .localDisk)
    let after = try await node.machine()
    #expect(after.state == .approved && after.rebuild == nil && after.install == before.install)
    // An approval does not reinstall it.
    let approved = await refusal { _ = try await node.registry.fleet.approve("node1", ApproveMachine()) }
    #expect("\(try #require(approved))".contains("bootstead rebuild"))
    try await node.agent.report(node.registry, counter: 2)
    #expect(try await node.registry.state() == .active)
  }

  @Test("a frozen machine that was installed starts from its disk after the approval, and is not installed again")
  func frozen() async throws {
    let node = try await InstalledMachine(Registry())
    _ = try node.registry.sql("UPDATE machine SET state = 'frozen', reason = 'two' RETURNING id", as: Int.self)
    let detail = try await node.registry.fleet.approve("node1", ApproveMachine())
    #expect(detail.machine.state == .approved)
    #expect(try await node.registry.boot().intent == .localDisk)
  }

  @Test("the running node is told to start from the network until it was started anew")
  func networkBoot() async throws {
    let node = try await InstalledMachine(Registry())
    #expect(try await node.agent.report(node.registry, counter: 2).networkBoot == nil)
    try await node.rebuild { $0.now = true }
    let orders = try await node.agent.report(node.registry, counter: 3)
    #expect(orders.networkBoot != nil && orders.nextReport == 60)
    #expect(try await node.agent.report(node.registry, counter: 4).networkBoot == orders.networkBoot)
    #expect(try await node.registry.state() == .armed)
    #expect(try await node.agent.report(node.registry, counter: 5, boot: "c").networkBoot == nil)
    #expect(try await node.texts("alarm").contains { $0.contains("came up from its own disk") })
    #expect(try await node.registry.state() == .armed)
  }

  @Test("the order to start from the network ends when the install begins")
  func networkBootEnds() async throws {
    var node = try await InstalledMachine(Registry())
    try await node.rebuild { $0.now = true }
    #expect(try await node.boot().install != nil)
    #expect(try await node.machine().networkBoot == nil)
  }

  @Test(
    "a node that reports while its machine is armed, failed or frozen gets orders, and changes no state",
    arguments: ["armed", "booting", "failed", "frozen"])
  func reportsMeanwhile(state: String) async throws {
    let node = try await InstalledMachine(Registry())
    try await node.rebuild()
    _ = try node.registry.sql("UPDATE machine SET state = '\(state)' RETURNING id", as: Int.self)
    node.registry.pass(seconds: 100)
    let orders = try await node.agent.report(node.registry, counter: 2)
    #expect(orders.nextReport == 60)
    let machine = try await node.machine()
    #expect(machine.state.rawValue == state)
    #expect(machine.lastSeen == machine.reportedAt && machine.reportedAt != nil)
  }

  @Test("what was saved is bounded, and the first state of an install stays")
  func savedBound() async throws {
    var node = try await InstalledMachine(Registry())
    try await node.rebuild()
    let task = try #require(try await node.boot().install)
    for index in 0..<20 {
      try await node.agent.saved(
        node.registry, SavedDiskState(task: task.identifier, partitionTables: ["d": "\(index)"], volumeGroups: [:]))
    }
    let states = try await node.registry.fleet.savedStates(of: "node1")
    #expect(states.map(\.state.partitionTables) == [["d": "0"], ["d": "17"], ["d": "18"], ["d": "19"]])
    let other = await refusal {
      try await node.agent.saved(
        node.registry, SavedDiskState(task: "other", partitionTables: [:], volumeGroups: [:]))
    }
    #expect((other as? AgentRefusal)?.code == .notExpected)
  }
}
