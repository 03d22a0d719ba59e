import AgentProtocol
import BootDecision
import DiskLayout
import Fleet
import Foundation
import NetworkAddress
import Testing

@Suite("Machines that are given away")
struct WipeTests {
  @Test("a wipe erases the disks that were named, and the machine is approved afterwards, with nothing on record")
  func wipe() async throws {
    var node = try await InstalledMachine(Registry())
    let detail = try await node.registry.fleet.wipe("node1", WipeRequest(disks: ["SN1"]))
    #expect(detail.machine.state == .armed)
    guard case .wipe(let task) = try await node.boot() else {
      Issue.record("the agent got no wipe")
      return
    }
    #expect(task.disks == [WipeDisk(identifier: "ata-DISK_SN1", serial: "SN1")])
    #expect(try await node.registry.state() == .wiping)
    // The power fails: the next boot goes on.
    guard case .wipe(let again) = try await node.boot() else {
      Issue.record("the wipe did not go on")
      return
    }
    #expect(again == task)
    let other = await refusal {
      try await node.registry.fleet.wiped(
        WipedReport(task: "other", disks: [:]), signed: node.agent.signed(AgentPath.wiped))
    }
    #expect((other as? AgentRefusal)?.code == .notExpected)
    for _ in 0..<2 {
      try await node.registry.fleet.wiped(
        WipedReport(task: task.identifier, disks: ["ata-DISK_SN1": "discard"]),
        signed: node.agent.signed(AgentPath.wiped))
    }
    let machine = try await node.machine()
    #expect(machine.state == .approved && machine.wipe == nil && machine.installedDisks == nil && machine.plan == nil)
    #expect(machine.nodeKey == nil && machine.finishedInstall == nil)
    #expect(try await node.texts("state").last == "wiped: ata-DISK_SN1 (discard)")
    #expect(try await node.registry.boot().intent == .localDisk)
    // It can be installed as a new machine.
    #expect(try await node.registry.fleet.approve("node1", ApproveMachine()).machine.state == .armed)
  }

  @Test(
    "a serial number that the machine does not have is refused with those that it has", arguments: ["SN9", "", "SN"])
  func wrongSerial(serial: String) async throws {
    let node = try await InstalledMachine(Registry())
    let error = await refusal {
      _ = try await node.registry.fleet.wipe("node1", WipeRequest(disks: ["SN1", serial]))
    }
    let text = "\(try #require(error))"
    #expect(text.contains("'\(serial)'") && text.contains("SN1 (ata-DISK_SN1)"))
    #expect(try await node.registry.state() == .active)
  }

  @Test("no disk at all is refused, and so is a wipe while an install is under way")
  func refused() async throws {
    let node = try await InstalledMachine(Registry())
    #expect(await refusal { _ = try await node.registry.fleet.wipe("node1", WipeRequest(disks: [])) } is FleetError)
    let registry = try Registry()
    try await registry.add()
    var agent = try Agent()
    _ = try await agent.claim(registry, nonce: try await registry.boot().nonce)
    _ = try await agent.task(registry)
    let error = await refusal { _ = try await registry.fleet.wipe("node1", WipeRequest(disks: ["SN1"])) }
    #expect("\(try #require(error))".contains("installing"))
  }

  @Test("a wipe is for the recorded machine alone")
  func evidence() async throws {
    var node = try await InstalledMachine(Registry())
    _ = try await node.registry.fleet.wipe("node1", WipeRequest(disks: ["SN1"]))
    node.hardware = try InstalledMachine.inventory(
      mac: "525400000099", uuid: EvidenceTests.otherUUID, serial: "OTHER", disks: node.hardware.disks.disks)
    #expect(try await node.boot().reason?.contains("not the recorded machine") == true)
    #expect(try await node.registry.state() == .booting)
  }

  @Test("an approval calls an armed wipe off, a rebuild takes its place, and its time ends it")
  func calledOff() async throws {
    let node = try await InstalledMachine(Registry())
    func armed() async throws {
      _ = try await node.registry.fleet.wipe("node1", WipeRequest(disks: ["SN1"]))
    }
    try await armed()
    let approved = try await node.registry.fleet.approve("node1", ApproveMachine()).machine
    #expect(approved.state == .approved && approved.wipe == nil)
    try await armed()
    #expect(try await node.rebuild().machine.wipe == nil)
    try await armed()
    #expect(try await node.machine().rebuild == nil)
    node.registry.pass(seconds: 3601)
    #expect(try await node.registry.boot().intent == .localDisk)
    #expect(try await node.machine().wipe == nil)
    #expect(try await node.texts().last == "the wipe was not started in time")
  }

  @Test("a forgotten machine leaves one event, and comes back as new hardware")
  func forget() async throws {
    var node = try await InstalledMachine(Registry())
    try await node.registry.fleet.setSecret(Data("hush".utf8), named: "token", of: "node1")
    try await node.rebuild()
    let task = try #require(try await node.boot().install)
    try await node.agent.saved(
      node.registry, SavedDiskState(task: task.identifier, partitionTables: ["d": "t"], volumeGroups: [:]))
    let atWork = await refusal { try await node.registry.fleet.forget("node1") }
    #expect("\(try #require(atWork))".contains("installing"))
    try await node.agent.failed(node.registry)
    try await node.registry.fleet.forget("node1")
    for table in ["machine", "nic", "secret", "consent", "claim", "boot", "decision", "savedState", "agentLog"] {
      #expect(try node.registry.sql("SELECT count(*) FROM \(table)", as: Int.self) == [0], "\(table)")
    }
    #expect(try node.registry.sql("SELECT text FROM event", as: String.self).first?.contains("node1 forgotten") == true)
    let report = await refusal { try await node.agent.report(node.registry, counter: 9) }
    #expect((report as? AgentRefusal)?.code == .unknownSession)
    #expect(try await node.registry.boot(enrolment: .inventory).intent == .inventory)
    #expect(await refusal { try await node.registry.fleet.forget("node1") } as? FleetError == .noSuchMachine("node1"))
  }
}
