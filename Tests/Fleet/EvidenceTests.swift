import AgentProtocol
import BootDecision
import DiskLayout
import Fleet
import Foundation
import NetworkAddress
import Testing

@Suite("Evidence that a machine is the recorded one")
struct EvidenceTests {
  static let otherUUID = "11111111-2222-3333-4444-555555555555"

  /// What is changed about the hardware, and whether it is still the recorded machine.
  struct Change: CustomTestStringConvertible {
    var testDescription: String
    var isSame: Bool
    var make: @Sendable (inout MachineInventory) throws -> Void
  }

  static let changes: [Change] = [
    Change(testDescription: "nothing", isSame: true) { _ in },
    Change(testDescription: "the card", isSame: true) { $0.interfaces[0].mac = try MACAddress("525400000099") },
    Change(testDescription: "the board, but for its card", isSame: true) {
      $0.product = .init(serial: "OTHER", uuid: try SystemUUID(otherUUID))
    },
    Change(testDescription: "the board", isSame: false) {
      $0.product = .init(serial: "OTHER", uuid: try SystemUUID(otherUUID))
      $0.interfaces[0].mac = try MACAddress("525400000099")
    },
    Change(testDescription: "all but the card", isSame: false) {
      $0.product = .init(serial: "OTHER", uuid: try SystemUUID(otherUUID))
      $0.disks.disks[0] = InstalledMachine.disk("SN8")
    },
    Change(testDescription: "the names of the board are gone, and the card", isSame: false) {
      $0.product = .init()
      $0.interfaces[0].mac = try MACAddress("525400000099")
    },
    Change(testDescription: "all", isSame: false) {
      $0 = try InstalledMachine.inventory(
        mac: "525400000099", uuid: otherUUID, serial: "OTHER", disks: [InstalledMachine.disk("SN8")])
    },
  ]

  @Test("two kinds of evidence are enough, and one is not", arguments: changes)
  func comparison(change: Change) async throws {
    var node = try await InstalledMachine(Registry())
    try await node.rebuild()
    try change.make(&node.hardware)
    let task = try await node.boot()
    let machine = try await node.machine()
    if change.isSame {
      #expect(task.install != nil && machine.evidenceRefusal == nil)
    } else {
      let reason = try #require(task.reason)
      #expect(reason.contains("not the recorded machine") && reason.contains("expected") && reason.contains("found"))
      #expect(reason.contains("bootstead machine approve node1 --code"))
      #expect(machine.evidenceRefusal != nil && machine.state == .booting && machine.rebuild?.begun == false)
      // Asking again and again is one event.
      _ = try await node.agent.task(node.registry)
      #expect(try await node.texts("refusal").count == 1)
    }
  }

  @Test("who compared the code on its screen, or says so, may go on with other hardware", arguments: [true, false])
  func accepted(byCode: Bool) async throws {
    var node = try await InstalledMachine(Registry())
    try await node.rebuild()
    node.hardware.product = .init(serial: "OTHER", uuid: try SystemUUID(Self.otherUUID))
    node.hardware.interfaces[0].mac = try MACAddress("525400000099")
    #expect(try await node.boot().reason != nil)
    var approval = ApproveMachine()
    if byCode {
      approval.code = try #require(try await node.registry.fleet.machine("node1").code).description
    } else {
      approval.acceptsHardware = true
    }
    _ = try await node.registry.fleet.approve("node1", approval)
    #expect(try await node.agent.task(node.registry).install?.rebuild != nil)
    let machine = try await node.machine()
    #expect(machine.evidenceRefusal == nil && !machine.acceptsHardware)
    #expect(machine.uuid?.description == Self.otherUUID)
    // From now on this is the recorded hardware.
    #expect(try await node.boot().install != nil)
  }

  @Test("an approval without the code accepts no other hardware")
  func plainApproval() async throws {
    var node = try await InstalledMachine(Registry())
    try await node.rebuild()
    node.hardware.product = .init(serial: "OTHER", uuid: try SystemUUID(Self.otherUUID))
    node.hardware.interfaces[0].mac = try MACAddress("525400000099")
    #expect(try await node.boot().reason != nil)
    _ = try await node.registry.fleet.approve("node1", ApproveMachine())
    #expect(try await node.agent.task(node.registry).reason?.contains("not the recorded machine") == true)
  }

  @Test("a board that was replaced is taken with its new address and the old disks, also where it was a stranger")
  func replacedBoard() async throws {
    var node = try await InstalledMachine(Registry())
    let new = "52:54:00:00:00:77"
    _ = try await node.registry.boot(new, enrolment: .inventory)
    #expect(try await node.registry.fleet.machine(new).machine.state == .discovered)
    let preview = try await node.registry.fleet.previewRebuild("node1", replacing(new))
    #expect(preview.notes.contains { $0.contains(new) && $0.contains("52:54:00:00:00:01") })
    let request = try replacing(new)
    try await node.rebuild { $0 = request }
    #expect(try await node.registry.fleet.machine("node1").addresses.map(\.description) == [new])
    node.hardware = try InstalledMachine.inventory(
      mac: new, uuid: Self.otherUUID, serial: "OTHER", disks: node.hardware.disks.disks)
    let task = try #require(try await node.boot(new).install)
    #expect(task.rebuild?.volumeGroupUUID == InstalledMachine.group)
    #expect(try await node.registry.boot("52:54:00:00:00:01").intent == .blocked)
  }

  private func replacing(_ mac: String) throws -> RebuildRequest {
    var request = RebuildRequest()
    request.replaceAddresses = [.init(old: nil, new: try MACAddress(mac))]
    return request
  }

  @Test("a UUID that the operator gave has to be the machine's, and a placeholder is refused")
  func givenUUID() async throws {
    let registry = try Registry()
    var request = AddMachine(
      name: try MachineName("node1"), addresses: [try MACAddress("525400000001")], layout: LayoutSpec())
    request.closure = Registry.closure
    request.uuid = try SystemUUID("03000200-0400-0500-0006-000700080009")
    let placeholder = request
    #expect(await refusal { _ = try await registry.fleet.add(placeholder) } is FleetError)
    request.uuid = try SystemUUID(InstalledMachine.uuid)
    _ = try await registry.fleet.add(request)
    var agent = try Agent()
    let other = try InstalledMachine.inventory(uuid: Self.otherUUID, disks: [InstalledMachine.disk("SN1")])
    _ = try await agent.claim(registry, nonce: try await registry.boot().nonce, inventory: other)
    let reason = try #require(try await agent.task(registry).reason)
    #expect(reason.contains(InstalledMachine.uuid) && reason.contains(Self.otherUUID))
    #expect(try await registry.state() == .booting)
    registry.pass(seconds: 30)
    agent = try Agent()
    let same = try InstalledMachine.inventory(disks: [InstalledMachine.disk("SN1")])
    _ = try await agent.claim(registry, nonce: try await registry.boot().nonce, inventory: same)
    #expect(try await agent.task(registry).install != nil)
  }

  @Test("two machines with the same placeholder UUID are told apart, and each gets its own install")
  func placeholder() async throws {
    let registry = try Registry()
    let uuid = "03000200-0400-0500-0006-000700080009"
    try await registry.add("node1", macs: ["52:54:00:00:00:01"])
    try await registry.add("node2", macs: ["52:54:00:00:00:02"])
    var installs: [String: String] = [:]
    for (name, mac, serial) in [("node1", "52:54:00:00:00:01", "SN1"), ("node2", "52:54:00:00:00:02", "SN2")] {
      let boot = try await registry.fleet.boot(
        BootContact(mac: try MACAddress(mac), uuid: try SystemUUID(uuid), serial: nil, product: nil, platform: nil),
        enrolment: .closed)
      var agent = try Agent()
      let inventory = try InstalledMachine.inventory(
        mac: mac, uuid: uuid, serial: nil, disks: [InstalledMachine.disk(serial)])
      _ = try await agent.claim(registry, nonce: boot.nonce, inventory: inventory)
      let task = try #require(try await agent.task(registry).install)
      #expect(task.machineName == name && task.plan.disk.serial == serial)
      installs[name] = task.identifier
      let machine = try await registry.fleet.machine(name).machine
      #expect(machine.uuid == nil && machine.evidence?.uuid == nil)
    }
    #expect(Set(installs.values).count == 2)
  }

  @Test("a boot's nonce is good for a day, and an agent at work goes on with it")
  func nonceEnds() async throws {
    let registry = try Registry()
    try await registry.add(window: 7 * 86_400)
    let old = try await registry.boot().nonce
    registry.pass(seconds: 86_401)
    var agent = try Agent()
    let refused = await refusal { _ = try await agent.claim(registry, nonce: old) } as? AgentRefusal
    #expect(refused?.code == .unknownBoot && refused?.message.contains("24 hours") == true)
    #expect(await refusal { _ = try await registry.fleet.overlay(of: old ?? "") } is FleetError)
    let nonce = try await registry.boot().nonce
    _ = try await agent.claim(registry, nonce: nonce)
    registry.pass(seconds: 86_401)
    _ = try await agent.claim(registry, nonce: nonce)
  }

  @Test("the agent's log is kept while it works and after it failed, 200 lines of it, and steers no terminal")
  func log() async throws {
    let registry = try Registry()
    try await registry.add()
    #expect(try await registry.fleet.log(of: "node1").step == nil)
    var agent = try Agent()
    _ = try await agent.claim(registry, nonce: try await registry.boot().nonce)
    _ = try await agent.task(registry)
    for batch in 0..<5 {
      let report = ProgressReport(
        step: .closure, detail: "", logLines: (0..<60).map { "line \(batch * 60 + $0) \u{1B}[2J\n" })
      try await registry.fleet.progress(report, signed: agent.signed(AgentPath.progress))
    }
    var tail = try await registry.fleet.log(of: "node1")
    #expect(tail.lines.count == 200 && tail.step == "copying the system")
    #expect(tail.lines.first?.hasPrefix("line 100 ") == true && tail.lines.last?.hasPrefix("line 299 ") == true)
    #expect(!tail.lines.joined().contains("\u{1B}"))
    try await registry.fleet.failed(
      FailedReport(step: .disks, error: "no", logLines: ["a", "b"]), signed: agent.signed(AgentPath.failed))
    tail = try await registry.fleet.log(of: "node1")
    #expect(tail.lines == ["a", "b"] && tail.step == "disks")
    #expect(try await registry.fleet.machine("node1").machine.reason == "disks: no")
  }
}
