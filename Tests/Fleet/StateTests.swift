import AgentProtocol
import BootDecision
import Fleet
import Foundation
import NetworkAddress
import Testing

@Suite("States of a machine")
struct StateTests {
  @Test("nothing but a rebuild, or a wipe, leads from an installed or active machine away from it")
  func noWayBack() {
    for state in [MachineState.installed, .active] {
      for transition in MachineTransition.allCases where ![.rebuild, .armWipe].contains(transition) {
        let next = transition.next(from: state)
        #expect(next == nil || next == .active || next == .frozen, "\(transition) from \(state)")
      }
    }
  }

  @Test("an install ends only by its own report, by a failure or by a freeze")
  func endOfInstall() {
    let leaving = MachineTransition.allCases.filter {
      let next = $0.next(from: .installing)
      return next != nil && next != .installing
    }
    // A rebuild only while the agent waits because no layout can be made.
    #expect(Set(leaving) == [.finish, .fail, .freeze, .rebuild])
  }

  @Test(
    "a discovered or frozen machine gets nothing before somebody approved it",
    arguments: [MachineState.discovered, .frozen])
  func approvalFirst(state: MachineState) {
    let ways = MachineTransition.allCases.filter { $0.next(from: state) != nil }
    #expect(Set(ways) == [.approve, .freeze])
  }

  private struct Step {
    var state: MachineState
    var stateEvents: [String]
  }

  @Test(
    "after any order of events the state is that of the last event, and each follows from the one before",
    arguments: 1...12)
  func randomOrders(seed: Int) async throws {
    var random = Seeded(UInt64(seed))
    let registry = try Registry()
    let mac = "52:54:00:00:00:01"
    try await registry.fleet.setEnrolment(.inventory)
    _ = try await registry.boot(mac, enrolment: .inventory)
    var agents = [try Agent(), try Agent()]
    var nonce: String?
    var install = ""
    var before = try await observe(registry, mac)
    for _ in 0..<60 {
      let who = Int(random.next() % 4) == 0 ? 1 : 0
      let verb = random.next() % 11
      let error = await refusal {
        switch verb {
        case 0: nonce = try await registry.boot(mac).nonce ?? nonce
        case 1: _ = try await agents[who].claim(registry, nonce: nonce)
        case 2, 3:
          if let task = try await agents[who].task(registry).install { install = task.identifier }
        case 4: try await agents[who].installed(registry, task: install)
        case 5: try await agents[who].failed(registry)
        case 6: try await agents[who].report(registry, name: "other", counter: agents[who].counter + 1)
        case 7:
          var approval = ApproveMachine()
          approval.closure = Registry.closure
          _ = try await registry.fleet.approve(mac, approval)
        case 8: registry.pass(seconds: Double(random.next() % 40))
        case 9: registry.pass(seconds: 4000)
        default: try await agents[who].progress(registry)
        }
      }
      let after = try await observe(registry, mac)
      #expect(after.stateEvents.last == after.state.rawValue)
      #expect(Array(after.stateEvents.prefix(before.stateEvents.count)) == before.stateEvents)
      var state = before.state
      for name in after.stateEvents.dropFirst(before.stateEvents.count) {
        let next = try #require(MachineState(rawValue: name))
        #expect(
          MachineTransition.allCases.contains { $0.next(from: state) == next }, "\(state) → \(next) by verb \(verb)")
        state = next
      }
      #expect(state == after.state)
      // A refused request may have frozen the machine, and changes nothing else.
      if error != nil { #expect(after.state == before.state || after.state == .frozen) }
      let machine = try await registry.fleet.machine(mac).machine
      #expect((machine.armedUntil != nil) == [.armed, .booting].contains(machine.state))
      #expect((machine.reason != nil) == [.failed, .frozen].contains(machine.state))
      before = after
    }
  }

  private func observe(_ registry: Registry, _ mac: String) async throws -> Step {
    let machine = try await registry.fleet.machine(mac).machine
    let events = try await registry.fleet.events(of: mac)
    // The discovery event carries no state: the machine begins as discovered.
    return Step(
      state: machine.state,
      stateEvents: ["discovered"] + events.compactMap { $0.kind == "state" ? $0.state?.rawValue : nil })
  }

  @Test("an armed window that is over sends the machine to its disk, and disarms it")
  func windowExpires() async throws {
    let registry = try Registry()
    try await registry.add(window: 60)
    registry.pass(seconds: 61)
    #expect(try await registry.boot().intent == .localDisk)
    #expect(try await registry.state() == .approved)
    #expect(try await registry.fleet.events(of: "node1").last?.text == "the install was not started in time")
  }

  @Test("an agent that asks for its task after the window gets none")
  func windowExpiresBeforeTask() async throws {
    let registry = try Registry()
    try await registry.add(window: 60)
    var agent = try Agent()
    _ = try await agent.claim(registry, nonce: try await registry.boot().nonce)
    registry.pass(seconds: 61)
    #expect(try await agent.task(registry).reason != nil)
    #expect(try await registry.state() == .approved)
  }

  @Test("several boots without a report hold the machine, and only for a while")
  func loopBreaker() async throws {
    let registry = try Registry()
    try await registry.add()
    for _ in 0..<5 { #expect(try await registry.boot().intent == .install) }
    guard case .hold = try await registry.boot().intent else {
      Issue.record("the sixth boot was not held")
      return
    }
    guard case .hold = registry.fleet.directory.view(of: try MACAddress("52:54:00:00:00:01"))?.intent else {
      Issue.record("the directory does not know of the hold")
      return
    }
    registry.pass(seconds: 601)
    #expect(try await registry.boot().intent == .install)
  }

  @Test(
    "a machine whose agent says hello and dies each time is held, one whose agent stays is not", arguments: [1.0, 61])
  func loopWithClaims(stay: TimeInterval) async throws {
    let registry = try Registry()
    try await registry.add()
    for _ in 0..<5 {
      var agent = try Agent()
      _ = try await agent.claim(registry, nonce: try await registry.boot().nonce)
      registry.pass(seconds: stay)
      _ = try await agent.task(registry)
      // Until an agent counts as gone, so that the next one takes its place.
      registry.pass(seconds: 21)
    }
    #expect((try await registry.boot().intent.holdReason != nil) == (stay < 60))
  }

  @Test("an arming whose time is over ends although nobody asks, and nothing else does")
  func overdue() async throws {
    let registry = try Registry()
    try await registry.add(window: 60)
    try await registry.add("node2", macs: ["52:54:00:00:00:02"], window: 3600)
    #expect(try await registry.fleet.endOverdue(takeoverSilence: 480).isEmpty)
    registry.pass(seconds: 61)
    #expect(try await registry.fleet.endOverdue(takeoverSilence: 480).map(\.text) == ["node1"])
    #expect(try await registry.state() == .approved)
    #expect(try await registry.state("node2") == .armed)
    #expect(try await registry.fleet.endOverdue(takeoverSilence: 480).isEmpty)
  }

  @Test("the rescue shell comes once")
  func rescueOnce() async throws {
    let registry = try Registry()
    try await registry.add()
    var change = SetMachine()
    change.nextBoot = "rescue"
    _ = try await registry.fleet.set("node1", change)
    #expect(try await registry.boot().intent == .rescue)
    #expect(try await registry.boot().intent == .install)
  }
}

/// SplitMix64.
struct Seeded: RandomNumberGenerator {
  private var state: UInt64
  init(_ seed: UInt64) { state = seed }

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var value = state
    value = (value ^ (value >> 30)) &* 0xBF58_476D_1CE4_E5B9
    value = (value ^ (value >> 27)) &* 0x94D0_49BB_1331_11EB
    return value ^ (value >> 31)
  }
}
