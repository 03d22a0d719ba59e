import ProgramRunner
import AgentProtocol
import Foundation
import HTTPConnection
import NixFormats
import NodeAgent
import Synchronization
import Testing

@Suite("A running node changes its system", .timeLimit(.minutes(10)))
struct RolloutTests {
  static let key = "cache:AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE="

  private func order(_ identifier: String = "order-1", units: [String] = []) -> RolloutOrder {
    RolloutOrder(
      identifier: identifier, closure: FakeNode.new, cachePublicKeys: [Self.key], units: units, healthSeconds: 60)
  }

  private func expectOld(_ node: FakeNode) {
    #expect(node.running == FakeNode.old && node.installed == FakeNode.old && node.boots == FakeNode.old)
    #expect(node.target("/nix/var/nix/gcroots/bootstead-rollout") == nil)
  }

  @Test("a sound system is started first, and becomes what the machine boots only after it proved itself; once")
  func succeeds() async throws {
    let folder = try TemporaryFolder()
    let node = try FakeNode(root: folder.path)
    #expect(try await node.rollout().carryOut(order(), report: node.report(order())))
    #expect(node.running == FakeNode.new && node.installed == FakeNode.new && node.boots == FakeNode.new)
    #expect(node.target("/nix/var/nix/profiles/system") == "system-2-link")
    #expect(node.target("/nix/var/nix/gcroots/bootstead-rollout") == nil)
    let program = FakeNode.new + "/bin/switch-to-configuration"
    #expect(node.lines == [program + " test", program + " boot"])
    #expect(node.state.withLock { $0.reports }.suffix(2).allSatisfy { $0?.state == .switching })
    #expect(node.record?.report == RolloutReport(order: "order-1", state: .succeeded))
    #expect(folder.mode(RolloutRecord.path) == 0o600)
    #expect(try await !node.rollout().carryOut(order(), report: node.report(order())))
    // Another order for what runs already changes nothing.
    #expect(try await node.rollout().carryOut(order("order-2"), report: node.report(order("order-2"))))
    #expect(node.lines.count == 2 && node.record?.report.state == .succeeded)
  }

  @Test("a system that does not start is left again, with what it said")
  func brokenSwitch() async throws {
    let folder = try TemporaryFolder()
    let node = try FakeNode(root: folder.path)
    node.state.withLock { $0.broken = ["test \(FakeNode.new)"] }
    #expect(try await node.rollout().carryOut(order(), report: node.report(order())))
    expectOld(node)
    #expect(node.record?.report.state == .rolledBack)
    #expect(node.record?.reason?.contains("it is broken") == true)
    #expect(node.state.withLock { $0.restarts } == 0)
    #expect(try await !node.rollout().carryOut(order(), report: node.report(order())))
  }

  @Test("a system whose boot loader can not be set up is left again")
  func brokenBootLoader() async throws {
    let folder = try TemporaryFolder()
    let node = try FakeNode(root: folder.path)
    node.state.withLock { $0.broken = ["boot \(FakeNode.new)"] }
    #expect(try await node.rollout().carryOut(order(), report: node.report(order())))
    expectOld(node)
    #expect(node.record?.report.state == .rolledBack)
  }

  @Test("a node that loses the appliance goes back; where that does not help it restarts, once")
  func lonely() async throws {
    let folder = try TemporaryFolder()
    let node = try FakeNode(root: folder.path)
    node.state.withLock { $0.lonely = [FakeNode.new] }
    #expect(try await node.rollout().carryOut(order(), report: node.report(order())))
    expectOld(node)
    #expect(node.record?.report.state == .rolledBack)
    #expect(node.record?.reason?.contains("not sound within 60 s: nobody answers") == true)
    #expect(node.state.withLock { $0.restarts } == 1)
    #expect(!node.lines.contains { $0.contains(" boot") })
    // The appliance is away for good: no second restart.
    node.state.withLock { $0.lonely = [FakeNode.new, FakeNode.old] }
    try await node.rollout().resume(report: node.report(nil))
    #expect(node.state.withLock { $0.restarts } == 1)
  }

  @Test("a named unit that is not active sends the node back; systemd watches over an agent that dies")
  func units() async throws {
    let folder = try TemporaryFolder()
    let node = try FakeNode(root: folder.path)
    try node.giveSystemd()
    let order = order(units: ["caddy.service", "data.mount"])
    node.state.withLock { $0.units = ["caddy.service": "failed", "data.mount": "active"] }
    #expect(try await node.rollout().carryOut(order, report: node.report(order)))
    expectOld(node)
    #expect(node.record?.reason?.contains("caddy.service is failed") == true)
    let watchdog = try #require(node.lines.firstIndex { $0.contains("--unit=bootstead-rollback") })
    let switching = try #require(node.lines.firstIndex { $0.contains("--unit=bootstead-switch") })
    #expect(watchdog < switching && node.lines[watchdog].hasSuffix(FakeNode.old + "/bin/switch-to-configuration test"))
    #expect(node.lines[watchdog].contains("--on-active=1080s"))
    #expect(node.lines.last == "systemctl stop bootstead-rollback.timer")

    node.state.withLock { $0.units["caddy.service"] = "active" }
    let second = RolloutOrder(
      identifier: "order-2", closure: FakeNode.new, cachePublicKeys: [Self.key], units: order.units, healthSeconds: 60)
    #expect(try await node.rollout().carryOut(second, report: node.report(second)))
    #expect(node.boots == FakeNode.new && node.record?.report.state == .succeeded)
  }

  @Test("what can not be fetched, or is no system, is never started")
  func notStarted() async throws {
    let folder = try TemporaryFolder()
    let node = try FakeNode(root: folder.path)
    let refusal = CommandFailure(command: "nix-store", ending: .exited(1), lastLines: ["no signature"])
    #expect(try await node.rollout(store: FakeStore(refusal: refusal)).carryOut(order(), report: node.report(order())))
    #expect(node.record?.report.state == .failed && node.record?.reason?.contains("no signature") == true)
    try FileManager.default.removeItem(atPath: folder.path + FakeNode.new)
    #expect(try await node.rollout().carryOut(order("order-2"), report: node.report(order("order-2"))))
    #expect(node.record?.reason?.contains("not a NixOS system") == true)
    #expect(node.lines.isEmpty)
    expectOld(node)
  }

  @Test("an order that can not be meant is refused before anything is fetched")
  func hostileOrders() async throws {
    let folder = try TemporaryFolder()
    let node = try FakeNode(root: folder.path)
    let orders = [
      RolloutOrder(identifier: "1", closure: "/etc", cachePublicKeys: [Self.key]),
      RolloutOrder(identifier: "2", closure: FakeNode.new, cachePublicKeys: []),
      RolloutOrder(identifier: "3", closure: FakeNode.new, cachePublicKeys: ["x"]),
      RolloutOrder(identifier: "4", closure: FakeNode.new, cachePublicKeys: [Self.key], units: ["--now"]),
      RolloutOrder(identifier: "5", closure: FakeNode.new, cachePublicKeys: [Self.key], units: ["a.service"]),
      RolloutOrder(identifier: "6", closure: FakeNode.new, cachePublicKeys: [Self.key], healthSeconds: 1 << 40),
      RolloutOrder(identifier: "7", closure: FakeNode.new, cachePublicKeys: [Self.key], cachePath: "cache\r\n"),
    ]
    for order in orders {
      #expect(try await node.rollout().carryOut(order, report: node.report(order)))
      #expect(node.record?.report.state == .failed, "\(order.identifier)")
    }
    #expect(node.lines.isEmpty)
    expectOld(node)
  }

  /// What the appliance may do while the closure is fetched.
  private struct EndlessStore: SystemStore {
    func fetch(_ order: RolloutOrder) async throws { try await Task.sleep(for: .seconds(3600)) }
  }

  @Test("an order that is taken back ends the copy")
  func withdrawn() async throws {
    let folder = try TemporaryFolder()
    let node = try FakeNode(root: folder.path)
    #expect(try await node.rollout(store: EndlessStore()).carryOut(order(), report: node.report(nil)))
    #expect(node.record?.report.state == .failed && node.record?.reason?.contains("took the order back") == true)
    expectOld(node)
  }

  enum Fate: String, CaseIterable { case sound, broken, lonely, noBootLoader }

  @Test(
    "cut off at any step, by a restart of the machine or of the agent alone, it ends with one system and says which",
    arguments: Fate.allCases, [true, false])
  func interrupted(fate: Fate, restartsMachine: Bool) async throws {
    let folder = try TemporaryFolder()
    let copies = try TemporaryFolder()
    func prepare(_ node: FakeNode) {
      node.state.withLock { state in
        switch fate {
        case .sound: break
        case .broken: state.broken = ["test \(FakeNode.new)"]
        case .lonely: state.lonely = [FakeNode.new]
        case .noBootLoader: state.broken = ["boot \(FakeNode.new)"]
        }
      }
    }
    let node = try FakeNode(root: folder.path + "/node", snapshots: copies.path)
    prepare(node)
    #expect(try await node.rollout().carryOut(order(), report: node.report(order())))
    let snapshots = node.state.withLock { $0.snapshots }
    #expect(snapshots.count >= 5)
    var ends: Set<RolloutReport.State> = []
    for path in snapshots {
      let copy = try FakeNode(root: path)
      prepare(copy)
      if restartsMachine { try copy.boot() }
      // The reporter's loop: what was begun, then the order, which the appliance repeats.
      for _ in 0..<3 {
        try await copy.rollout().resume(report: copy.report(order()))
        _ = try await copy.rollout().carryOut(order(), report: copy.report(order()))
      }
      let end = try #require(copy.record?.report.state)
      ends.insert(end)
      let expected = end == .succeeded ? FakeNode.new : FakeNode.old
      #expect(
        copy.running == expected && copy.installed == expected && copy.boots == expected,
        "\(path): \(end), \(copy.lines)")
      #expect(end == .succeeded || end == .rolledBack, "\(path)")
      #expect(copy.target("/nix/var/nix/gcroots/bootstead-rollout") == nil)
    }
    #expect(ends.contains(fate == .sound ? .succeeded : .rolledBack))
    #expect(fate == .sound || !ends.contains(.succeeded))
  }

  @Test("a damaged record stops nothing")
  func damagedRecord() async throws {
    let folder = try TemporaryFolder()
    let node = try FakeNode(root: folder.path)
    try folder.write("{\"phase\":", to: RolloutRecord.path)
    try await node.rollout().resume(report: node.report(nil))
    #expect(try await node.rollout().carryOut(order(), report: node.report(order())))
    #expect(node.boots == FakeNode.new)
  }

  @Test("Nix fetches from the appliance alone, and only what the appliance signed")
  func realise() throws {
    let command = NodeStore.realise(
      try StorePath(absolute: FakeNode.new), keys: [Self.key, "b:key"], url: "http://192.0.2.1:8080/cache", "nix-store")
    let text = command.description
    #expect(text.hasPrefix("nix-store --realise \(FakeNode.new) "))
    #expect(text.contains("--option substituters http://192.0.2.1:8080/cache "))
    #expect(command.arguments.contains("\(Self.key) b:key") && text.contains("--option require-sigs true"))
  }

  @Test(
    "unit names",
    arguments: [
      ("caddy.service", true), ("srv-photos.mount", true), ("a@b\\x2dc.service", true), ("caddy", false), ("", false),
      ("-a.service", false), ("a b.service", false), (".service", false), ("a.", false), ("a.Service", false),
      ("é.service", false),
    ])
  func unitNames(name: String, isName: Bool) { #expect(RolloutOrder.isUnitName(name) == isName) }
}
