import AgentProtocol
import DiskLayout
import Fleet
import Foundation
import NetworkAddress
import Testing

@Suite("Take-overs in the registry")
struct TakeoverTests {
  private static let mac = "52:54:00:00:00:09"

  private func request(
    _ name: String = "edge1", macs: [String] = [], consents: [String] = [], closure: String? = Registry.closure
  )
    throws -> PrepareTakeover
  {
    var machine = AddMachine(
      name: try MachineName(name), addresses: try macs.map { try MACAddress($0) }, layout: LayoutSpec())
    machine.closure = closure
    machine.consents = consents
    return PrepareTakeover(machine: machine)
  }

  private func begin(mac: String = TakeoverTests.mac, isBlank: Bool = true) throws -> TakeoverBegin {
    var inventory = Registry.inventory
    inventory.interfaces = [.init(name: "eth0", mac: try MACAddress(mac), hasLink: true)]
    inventory.disks.disks[0].users = ["mount at /"]
    inventory.disks.disks[0].isBootMedium = true
    if !isBlank { inventory.disks.disks[0].contents.signatures = [Signature(type: "ext4")] }
    return TakeoverBegin(
      attempt: BootNonce(), inventory: inventory,
      system: RunningSystem(
        name: "Debian", kernel: "6.1", hostName: "old", mounts: [], volumes: [], services: [], warnings: []))
  }

  private func run(_ registry: Registry, _ begin: TakeoverBegin, _ token: String) async throws -> TakeoverBoot {
    let token = try TakeoverToken(token)
    return try await registry.fleet.beginTakeover(begin, token: token.identifier) { $0 == token.proofKey }
  }

  @Test("a machine that nobody knew is added, its address is learned, and it boots")
  func adds() async throws {
    let registry = try Registry()
    let offer = try await registry.fleet.prepareTakeover(request(), applianceKey: registry.applianceKey.publicKey)
    #expect(offer.machine.machine.state == .armed)
    let boot = try await run(registry, begin(), offer.token)
    #expect(boot.machine.text == "edge1")
    let detail = try await registry.fleet.machine("edge1")
    #expect(detail.machine.state == .booting)
    #expect(detail.addresses == [try MACAddress(TakeoverTests.mac)])
    #expect(try await registry.fleet.overlay(of: boot.nonce.description).mode == "install")
  }

  @Test("a token works once; the same attempt may ask again")
  func once() async throws {
    let registry = try Registry()
    let offer = try await registry.fleet.prepareTakeover(request(), applianceKey: registry.applianceKey.publicKey)
    let first = try begin()
    let boot = try await run(registry, first, offer.token)
    #expect(try await run(registry, first, offer.token).nonce == boot.nonce)
    await #expect(throws: AgentRefusal.self) { try await run(registry, begin(), offer.token) }
  }

  @Test(
    "a take-over whose installer is never heard of ends as armed; one that was claimed, or that booted again, goes on")
  func silent() async throws {
    let registry = try Registry()
    let offer = try await registry.fleet.prepareTakeover(request(), applianceKey: registry.applianceKey.publicKey)
    _ = try await run(registry, begin(), offer.token)
    registry.pass(seconds: 470)
    #expect(try await registry.fleet.endOverdue(takeoverSilence: 480).isEmpty)
    registry.pass(seconds: 11)
    #expect(try await registry.fleet.endOverdue(takeoverSilence: 480).map(\.text) == ["edge1"])
    #expect(try await registry.state("edge1") == .armed)
    #expect(try await registry.fleet.events(of: "edge1").last?.text.contains("'bootstead kexec' tries again") == true)

    let again = try await registry.fleet.prepareTakeover(request(), applianceKey: registry.applianceKey.publicKey)
    let boot = try await run(registry, begin(), again.token)
    var agent = try Agent()
    _ = try await agent.claim(registry, nonce: boot.nonce.description)
    registry.pass(seconds: 600)
    #expect(try await registry.fleet.endOverdue(takeoverSilence: 480).isEmpty)

    let last = try await registry.fleet.prepareTakeover(request(), applianceKey: registry.applianceKey.publicKey)
    _ = try await run(registry, begin(), last.token)
    registry.pass(seconds: 500)
    _ = try await registry.boot(TakeoverTests.mac)
    #expect(try await registry.fleet.endOverdue(takeoverSilence: 480).isEmpty)
  }

  @Test("a stale token, a replaced one and an invented one are refused")
  func refusedTokens() async throws {
    let registry = try Registry()
    let key = registry.applianceKey.publicKey
    let replaced = try await registry.fleet.prepareTakeover(request(), applianceKey: key)
    let stale = try await registry.fleet.prepareTakeover(request(), applianceKey: key)
    await #expect(throws: AgentRefusal.self) { try await run(registry, begin(), replaced.token) }
    await #expect(throws: AgentRefusal.self) { try await run(registry, begin(), TakeoverToken(appliance: key).text) }
    registry.pass(seconds: Fleet.takeoverTime + 1)
    await #expect(throws: AgentRefusal.self) { try await run(registry, begin(), stale.token) }
    #expect(try await registry.fleet.machine("edge1").machine.state == .armed)
  }

  @Test("the registry keeps nothing that the token could be made from")
  func keepsHash() async throws {
    let registry = try Registry()
    let offer = try await registry.fleet.prepareTakeover(request(), applianceKey: registry.applianceKey.publicKey)
    let secret = String(offer.token.prefix(32))
    #expect(try registry.sql("SELECT count(*) FROM takeover", as: Int.self) == [1])
    let kept = try registry.sql("SELECT hex(proofKey) || identifier FROM takeover", as: String.self)
    #expect(!kept[0].lowercased().contains(secret))
  }

  @Test("a disk that holds something is refused while the old system runs, and the token stays good")
  func consent() async throws {
    let registry = try Registry()
    let key = registry.applianceKey.publicKey
    let offer = try await registry.fleet.prepareTakeover(request(), applianceKey: key)
    await #expect(throws: FleetError.self) { try await run(registry, begin(isBlank: false), offer.token) }
    #expect(try await registry.fleet.machine("edge1").machine.state == .armed)
    var approve = ApproveMachine()
    approve.consents = ["SN2"]
    _ = try await registry.fleet.approve("edge1", approve)
    await #expect(throws: FleetError.self) { try await run(registry, begin(isBlank: false), offer.token) }
    approve.consents = ["SN1"]
    _ = try await registry.fleet.approve("edge1", approve)
    #expect(try await run(registry, begin(isBlank: false), offer.token).machine.text == "edge1")
  }

  @Test("without a closure nothing begins")
  func noClosure() async throws {
    let registry = try Registry()
    let offer = try await registry.fleet.prepareTakeover(
      request(closure: nil), applianceKey: registry.applianceKey.publicKey)
    await #expect(throws: FleetError.self) { try await run(registry, begin(), offer.token) }
  }

  @Test("another machine than the recorded one is refused with what was expected and found")
  func otherMachine() async throws {
    let registry = try Registry()
    try await registry.add("edge1", macs: ["52:54:00:00:00:01"])
    let error = await #expect(throws: FleetError.self) {
      try await registry.fleet.prepareTakeover(
        request(macs: [TakeoverTests.mac]), applianceKey: registry.applianceKey.publicKey)
    }
    #expect(error?.description.contains("expected a machine with 52:54:00:00:00:01, found 52:54:00:00:00:09") == true)
  }

  @Test("steps become events, each once")
  func steps() async throws {
    let registry = try Registry()
    let offer = try await registry.fleet.prepareTakeover(request(), applianceKey: registry.applianceKey.publicKey)
    let token = try TakeoverToken(offer.token)
    _ = try await run(registry, begin(), offer.token)
    let step = TakeoverStep(number: 1, stage: .loaded, text: "loaded it")
    try await registry.fleet.takeoverStep(step, token: token.identifier) { $0 == token.proofKey }
    await #expect(throws: AgentRefusal.self) {
      try await registry.fleet.takeoverStep(step, token: token.identifier) { $0 == token.proofKey }
    }
    let events = try await registry.fleet.events(of: "edge1")
    #expect(events.filter { $0.text == "take-over: loaded it" }.count == 1)
  }

  @Test("an active machine is not taken over")
  func active() async throws {
    let registry = try Registry()
    try await registry.add("edge1", macs: [TakeoverTests.mac])
    _ = try registry.sql("UPDATE machine SET state = 'active'", as: String.self)
    await #expect(throws: FleetError.self) {
      try await registry.fleet.prepareTakeover(request(), applianceKey: registry.applianceKey.publicKey)
    }
  }
}
