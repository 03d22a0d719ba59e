import AgentProtocol
import BootDecision
import DiskLayout
import Fleet
import Foundation
import NetworkAddress
import Testing

@Suite("Claims")
struct ClaimTests {
  @Test("from the first boot to an active node, with the agent's own keys")
  func wholeWay() async throws {
    let registry = try Registry()
    try await registry.add()
    var agent = try Agent()
    let code = try await agent.claim(registry, nonce: try await registry.boot().nonce)
    #expect(try await registry.fleet.machine("node1").code == code)
    let task = try #require(try await agent.task(registry).install)
    #expect(task.closure == Registry.closure)
    #expect(try await registry.state() == .installing)
    let again = try #require(try await agent.task(registry).install)
    #expect(again.identifier == task.identifier && again.plan == task.plan)
    try await agent.progress(registry)
    #expect(try await registry.fleet.machine("node1").machine.progress?.fraction == 0.5)
    try await agent.installed(registry, task: task.identifier)
    try await agent.installed(registry, task: task.identifier)
    #expect(try await registry.state() == .installed)
    #expect(try await agent.task(registry).isReboot)
    #expect(try await registry.boot().intent == .localDisk)
    try await agent.report(registry)
    #expect(try await registry.state() == .active)
    #expect(try await registry.boot().intent == .localDisk)
  }

  @Test("only the report of the ordered install ends it")
  func otherInstall() async throws {
    let registry = try Registry()
    try await registry.add()
    var agent = try Agent()
    _ = try await agent.claim(registry, nonce: try await registry.boot().nonce)
    _ = try await agent.task(registry)
    let error = await refusal { try await agent.installed(registry, task: "another") }
    #expect((error as? AgentRefusal)?.code == .notExpected)
    #expect(try await registry.state() == .installing)
  }

  @Test("a request that came once is refused when it comes again, and one by another key always")
  func replays() async throws {
    let registry = try Registry()
    try await registry.add()
    var agent = try Agent()
    _ = try await agent.claim(registry, nonce: try await registry.boot().nonce)
    let request = try agent.signed(AgentPath.task)
    _ = try await registry.fleet.task(signed: request, source: Registry.source)
    await #expect(throws: SignatureError.self) {
      _ = try await registry.fleet.task(signed: request, source: Registry.source)
    }
    var thief = try Agent()
    thief.session = agent.session
    thief.counter = 100
    let forged = try thief.signed(AgentPath.task)
    await #expect(throws: SignatureError.wrongSignature) {
      _ = try await registry.fleet.task(signed: forged, source: Registry.source)
    }
    #expect(try await agent.task(registry).install != nil)
  }

  @Test("a refused request counts: it can not be sent again when the answer would be another one")
  func refusedCounts() async throws {
    let registry = try Registry()
    try await registry.add()
    var agent = try Agent()
    _ = try await agent.claim(registry, nonce: try await registry.boot().nonce)
    let early = try agent.signed(AgentPath.failed)
    let report = FailedReport(step: .disks, error: "early", logLines: [])
    _ = try await agent.task(registry).install
    let late = await refusal { try await registry.fleet.failed(report, signed: early) }
    #expect(late is SignatureError)
    let wrong = try agent.signed(AgentPath.installed)
    let message = InstalledReport(
      task: "another", nodeKey: agent.node.publicKey, nodeRecipient: agent.identity.recipient, disks: [], closure: "")
    let first = await refusal { try await registry.fleet.installed(message, signed: wrong) }
    let second = await refusal { try await registry.fleet.installed(message, signed: wrong) }
    #expect(first is AgentRefusal)
    #expect(second is SignatureError)
  }

  @Test("two living agents that claim the same boot freeze the machine, and it stays frozen")
  func secondClaimant() async throws {
    let registry = try Registry()
    try await registry.add()
    let nonce = try await registry.boot().nonce
    var first = try Agent()
    var second = try Agent()
    _ = try await first.claim(registry, nonce: nonce)
    let error = await refusal { _ = try await second.claim(registry, nonce: nonce) }
    #expect((error as? AgentRefusal)?.code == .frozen)
    #expect(try await registry.state() == .frozen)
    #expect(try await registry.reopened().machine("node1").machine.state == .frozen)
    #expect(try await first.task(registry).reason?.hasPrefix("frozen") == true)
    guard case .hold = try await registry.boot().intent else {
      Issue.record("a frozen machine was not held")
      return
    }
    #expect(try await registry.fleet.events(of: "node1").contains { $0.state == .frozen })
  }

  @Test("a second agent of the same boot takes over when the first one is silent")
  func silentClaimant() async throws {
    let registry = try Registry()
    try await registry.add()
    let nonce = try await registry.boot().nonce
    var first = try Agent()
    var second = try Agent()
    _ = try await first.claim(registry, nonce: nonce)
    registry.pass(seconds: 30)
    let code = try await second.claim(registry, nonce: nonce)
    #expect(try await registry.fleet.machine("node1").code == code)
    #expect(try await second.task(registry).install != nil)
    let late = await refusal { _ = try await first.task(registry) }
    #expect((late as? AgentRefusal)?.code == .unknownSession)
  }

  @Test("after a power cut the new boot's agent waits, takes over, and is no longer the one that was compared")
  func powerCut() async throws {
    let registry = try Registry()
    try await registry.add()
    var first = try Agent()
    var approval = ApproveMachine()
    approval.code = try await first.claim(registry, nonce: try await registry.boot().nonce).description
    // The first install fails once, so that there is something to approve with the code.
    _ = try await first.task(registry)
    try await first.failed(registry)
    _ = try await registry.fleet.approve("node1", approval)
    #expect(try await registry.fleet.machine("node1").machine.trust == .verified)
    _ = try await first.task(registry)
    var second = try Agent()
    _ = try await second.claim(registry, nonce: try await registry.boot().nonce)
    #expect(try await second.task(registry).reason == "another agent claimed this machine a moment ago")
    #expect(try await registry.state() == .installing)
    registry.pass(seconds: 30)
    #expect(try await second.task(registry).install != nil)
    #expect(try await registry.fleet.machine("node1").machine.trust == .trustOnFirstUse)
  }

  @Test("an agent that waits can not report for the one at work, nor change its inventory")
  func waitingIsMute() async throws {
    let registry = try Registry()
    try await registry.add()
    var first = try Agent()
    var second = try Agent()
    _ = try await first.claim(registry, nonce: try await registry.boot().nonce)
    let task = try #require(try await first.task(registry).install)
    var other = Registry.inventory
    other.disks.disks = []
    _ = try await second.claim(registry, nonce: try await registry.boot().nonce, inventory: other)
    for error in [
      await refusal { try await second.failed(registry) },
      await refusal { try await second.installed(registry, task: task.identifier) },
      await refusal { try await second.progress(registry) },
    ] { #expect((error as? AgentRefusal)?.code == .notExpected) }
    let machine = try await registry.fleet.machine("node1").machine
    #expect(machine.state == .installing)
    #expect(machine.inventory == Registry.inventory)
  }

  @Test("two agents of two boots that both stay alive freeze the machine, even where the request is refused")
  func bothAlive() async throws {
    let registry = try Registry()
    try await registry.add()
    var first = try Agent()
    var second = try Agent()
    _ = try await first.claim(registry, nonce: try await registry.boot().nonce)
    let task = try #require(try await first.task(registry).install)
    _ = try await second.claim(registry, nonce: try await registry.boot().nonce)
    let error = await refusal { try await first.installed(registry, task: task.identifier) }
    #expect(error != nil)
    #expect(try await registry.reopened().machine("node1").machine.state == .frozen)
  }

  @Test("an agent that is started again with the same keys goes on")
  func sameKeys() async throws {
    let registry = try Registry()
    try await registry.add()
    let nonce = try await registry.boot().nonce
    var agent = try Agent()
    _ = try await agent.claim(registry, nonce: nonce)
    let task = try #require(try await agent.task(registry).install)
    let code = try await agent.claim(registry, nonce: nonce)
    #expect(try await registry.fleet.machine("node1").code == code)
    #expect(try await agent.task(registry).install?.identifier == task.identifier)
  }

  @Test("scripts that others ask for do not end the claim of an agent at work")
  func manyScripts() async throws {
    let registry = try Registry()
    try await registry.add()
    var agent = try Agent()
    _ = try await agent.claim(registry, nonce: try await registry.boot().nonce)
    _ = try await agent.task(registry)
    for _ in 0..<30 {
      registry.pass(seconds: 130)
      _ = try await registry.boot()
    }
    #expect(try await agent.task(registry).install != nil)
    #expect(try registry.sql("SELECT count(*) FROM boot", as: Int.self)[0] <= 9)
  }

  @Test("an unknown boot begins nothing, and claims that were only begun do not add up")
  func begins() async throws {
    let registry = try Registry()
    try await registry.add()
    let key = registry.applianceKey.publicKey
    let error = await refusal {
      _ = try await registry.fleet.begin(BeginRequest(bootNonce: BootNonce()), applianceKey: key)
    }
    #expect((error as? AgentRefusal)?.code == .unknownBoot)
    let nonce = try BootNonce(try #require(try await registry.boot().nonce))
    for _ in 0..<50 { _ = try await registry.fleet.begin(BeginRequest(bootNonce: nonce), applianceKey: key) }
    #expect(try registry.sql("SELECT count(*) FROM claim", as: Int.self)[0] <= 16)
  }

  @Test("a node is heard by its own key alone, and each report once")
  func nodeReports() async throws {
    let registry = try Registry()
    try await registry.add()
    var agent = try Agent()
    _ = try await agent.claim(registry, nonce: try await registry.boot().nonce)
    let task = try #require(try await agent.task(registry).install)
    try await agent.installed(registry, task: task.identifier)
    let forged = await refusal { try await agent.report(registry, by: try SigningPrivateKey()) }
    #expect(forged as? SignatureError == .wrongSignature)
    let stranger = try Agent()
    let unknown = await refusal { try await stranger.report(registry) }
    #expect((unknown as? AgentRefusal)?.code == .unknownSession)
    #expect(try await registry.state() == .installed)
    try await agent.report(registry, counter: 5)
    let replayed = await refusal { try await agent.report(registry, counter: 5) }
    #expect(replayed is SignatureError)
  }

  @Test("a renamed machine's node is found by its key, although its old name belongs to another machine")
  func renamedNode() async throws {
    let registry = try Registry()
    try await registry.add()
    var agent = try Agent()
    _ = try await agent.claim(registry, nonce: try await registry.boot().nonce)
    let task = try #require(try await agent.task(registry).install)
    try await agent.installed(registry, task: task.identifier)
    _ = try await registry.fleet.rename("node1", to: MachineName("attic"))
    try await registry.add("node1", macs: ["52:54:00:00:00:02"])
    try await agent.report(registry, name: "node1")
    #expect(try await registry.state("attic") == .active)
    #expect(try await registry.state("node1") == .armed)
  }

  @Test("what an agent says can not steer the operator's terminal")
  func hostileText() async throws {
    let registry = try Registry()
    try await registry.add()
    var agent = try Agent()
    _ = try await agent.claim(registry, nonce: try await registry.boot().nonce)
    _ = try await agent.task(registry)
    try await agent.progress(registry, detail: "\u{1B}[2J\u{202E}evil\r\n")
    try await agent.failed(registry, error: "\u{1B}]0;owned\u{7}" + String(repeating: "x", count: 100_000))
    let machine = try await registry.fleet.machine("node1").machine
    let texts =
      try await registry.fleet.events(of: "node1").map(\.text) + [machine.reason ?? "", machine.progress?.detail ?? ""]
    for text in texts {
      #expect(text.utf8.count < 8000)
      #expect(!text.unicodeScalars.contains { $0.value < 32 || $0.value == 0x7F || $0.value == 0x202E })
    }
  }
}
