import AgentProtocol
import BootDecision
import DiskLayout
import Fleet
import Foundation
import NetworkAddress
import Testing

@Suite("A machine's hardware against what it was")
struct FactsTests {
  static func inventory() throws -> MachineInventory {
    MachineInventory(
      processor: .init(model: "N100", architecture: "x86_64", threads: 4), memoryBytes: 16 << 30,
      firmware: .init(kind: .uefi, secureBoot: .disabled, vendor: "AMI", version: "1.2"),
      interfaces: [
        .init(name: "eth0", mac: try MACAddress("52:54:00:00:00:01"), hasLink: true, speedMegabits: 2500),
        .init(name: "eth1", mac: try MACAddress("52:54:00:00:00:02"), hasLink: true, speedMegabits: 1000),
      ],
      disks: DiskInventory(disks: [
        Disk(id: "ata-ONE", node: "/dev/sda", size: 500 << 30, bus: .sata, model: "ONE", serial: "SN1"),
        Disk(id: "path:pci-1", node: "/dev/vda", size: 100 << 30, bus: .virtio),
      ]))
  }

  /// A machine whose agent has claimed it.
  private func claimed(_ registry: Registry, holds: [HardwareHold] = []) async throws -> Agent {
    try await registry.add()
    var request = SetMachine()
    request.layout = LayoutSpec(systemDisk: .id("path:pci-1"))
    request.holdOn = holds
    _ = try await registry.fleet.set("node1", request)
    var agent = try Agent()
    _ = try await agent.claim(registry, nonce: registry.boot().nonce, inventory: Self.inventory())
    return agent
  }

  private func send(_ inventory: MachineInventory, _ agent: inout Agent, _ registry: Registry) async throws {
    try await registry.fleet.inventory(inventory, signed: agent.signed(AgentPath.inventory))
  }

  private func examined(
    _ task: ExamineTask, smart: SmartHealth? = nil, read: ReadTestResult? = nil, _ agent: inout Agent,
    _ registry: Registry
  ) async throws {
    try await registry.fleet.examined(
      ExaminedReport(
        task: task.identifier,
        disks: [
          DiskExamination(disk: "ata-ONE", serial: "SN1", smart: smart, read: read),
          DiskExamination(
            disk: "path:pci-1", serial: nil, smart: SmartHealth(verdict: .notAvailable, reason: "virtual")),
        ]), signed: agent.signed(AgentPath.examined))
  }

  @Test("each change is told in one sentence, and what is the same is not", arguments: HardwareChange.all)
  func changes(change: HardwareChange) async throws {
    let registry = try Registry()
    var agent = try await claimed(registry)
    var inventory = try Self.inventory()
    change.apply(&inventory)
    try await send(inventory, &agent, registry)
    let answer = try await registry.fleet.facts(of: "node1")
    #expect(answer.standing.drift.map(\.text) == change.expected)
    #expect(answer.standing.drift.allSatisfy { $0.hold == .drift })
    #expect(try await registry.fleet.machine("node1").hardware.drift.map(\.text) == change.expected)
    // Nothing holds an install unless it was asked for.
    #expect(try await agent.task(registry).install != nil)
  }

  @Test("the history is bounded, keeps the accepted facts, and survives a restart")
  func history() async throws {
    let registry = try Registry()
    var agent = try await claimed(registry)
    for number in 1...30 {
      registry.pass(seconds: 1)
      var inventory = try Self.inventory()
      inventory.firmware.version = "2.\(number)"
      try await send(inventory, &agent, registry)
      try await send(inventory, &agent, registry)
    }
    let answer = try await registry.reopened().facts(of: "node1")
    #expect(answer.records.count == Fleet.factsLimit + 1)
    #expect(answer.records.map(\.isAccepted) == Array(repeating: false, count: Fleet.factsLimit) + [true])
    #expect(answer.standing.drift.map(\.text) == ["firmware version is 2.30, was 1.2"])
    #expect(answer.records.first?.changes.map(\.text) == ["firmware version is 2.30, was 2.29"])
  }

  @Test("drift holds an install until the operator accepts it, and says so to the machine and the operator")
  func held() async throws {
    let registry = try Registry()
    var agent = try await claimed(registry, holds: [.drift])
    var inventory = try Self.inventory()
    inventory.memoryBytes = 8 << 30
    try await send(inventory, &agent, registry)
    let reason = try await agent.task(registry).reason
    #expect(reason?.contains("held: memory is 8.0 GiB, less than 16.0 GiB") == true)
    #expect(reason?.contains("bootstead machine accept-facts node1") == true)
    #expect(try await registry.state() == .booting)
    let seen = try await registry.fleet.facts(of: "node1")
    #expect(seen.standing.held == "memory is 8.0 GiB, less than 16.0 GiB")

    // Accepting what is not the newest is refused.
    inventory.firmware.version = "9"
    try await send(inventory, &agent, registry)
    let stale = await refusal {
      _ = try await registry.fleet.acceptFacts(of: "node1", AcceptFacts(record: seen.records.first?.id))
    }
    #expect(stale is FleetError)
    #expect(try await agent.task(registry).reason?.contains("firmware version is 9") == true)

    let newest = try await registry.fleet.facts(of: "node1").records.first?.id
    let accepted = try await registry.fleet.acceptFacts(of: "node1", AcceptFacts(record: newest))
    #expect(accepted.standing.drift.isEmpty && accepted.standing.held == nil)
    #expect(try await agent.task(registry).install != nil)
    let events = try await registry.fleet.events(of: "node1").map(\.text)
    #expect(events.filter { $0.hasPrefix("the install is held: ") }.count == 2)
    #expect(events.contains { $0.hasPrefix("the operator accepted the hardware as it is: memory") })
  }

  @Test("hardware that comes back releases the install by itself, and so does the end of the policy")
  func released() async throws {
    let registry = try Registry()
    var agent = try await claimed(registry, holds: [.drift])
    var inventory = try Self.inventory()
    inventory.disks.disks.removeFirst()
    try await send(inventory, &agent, registry)
    #expect(try await agent.task(registry).reason?.contains("held: disk ata-ONE (serial SN1) is gone") == true)
    try await send(try Self.inventory(), &agent, registry)
    #expect(try await agent.task(registry).install != nil)

    let other = try Registry()
    agent = try await claimed(other, holds: [.drift])
    try await send(inventory, &agent, other)
    #expect(try await agent.task(other).reason?.contains("held") == true)
    var request = SetMachine()
    request.holdOn = []
    #expect(try await other.fleet.set("node1", request).hardware.held == nil)
    #expect(try await agent.task(other).install != nil)
  }

  @Test("a policy on SMART asks for an examination first, and a failing disk holds")
  func smart() async throws {
    let registry = try Registry()
    var agent = try await claimed(registry, holds: [.smart])
    let task = try #require(try await agent.task(registry).examine)
    #expect(task.checks == [.smart])
    // Asked again until the report came: the machine may have been switched off meanwhile.
    #expect(try await agent.task(registry).examine == task)
    let foreign = await refusal {
      try await examined(ExamineTask(identifier: "other", checks: [.smart]), &agent, registry)
    }
    #expect((foreign as? AgentRefusal)?.code == .notExpected)
    try await examined(
      task, smart: SmartHealth(verdict: .failing, reason: "the disk says that it is failing"), &agent, registry)
    #expect(
      try await agent.task(registry).reason?.contains(
        "held: disk ata-ONE (serial SN1) is failing: the disk says that it is failing") == true)
    _ = try await registry.fleet.acceptFacts(of: "node1", AcceptFacts())
    #expect(try await agent.task(registry).install != nil)
  }

  @Test("a disk without a verdict does not hold, and never counts as passed")
  func noVerdict() async throws {
    let registry = try Registry()
    var agent = try await claimed(registry, holds: [.smart])
    let task = try #require(try await agent.task(registry).examine)
    try await examined(task, smart: SmartHealth(verdict: .passed), &agent, registry)
    #expect(try await agent.task(registry).install != nil)
    let disks = try #require(try await registry.fleet.facts(of: "node1").records.first?.facts.disks)
    #expect(disks.map(\.smart?.verdict) == [.passed, .notAvailable])
  }

  @Test("rising counts of bad sectors hold, the same counts do not")
  func worsening() async throws {
    let registry = try Registry()
    var agent = try await claimed(registry)
    var health = SmartHealth(verdict: .passed)
    (health.reallocatedSectors, health.powerOnHours) = (8, 100)
    for (sectors, expected) in [(8, []), (8, []), (9, ["disk ata-ONE (serial SN1) has 9 reallocated sectors, had 8"])]
      as [(UInt64, [String])]
    {
      _ = try await registry.fleet.examine("node1", ExamineMachine(checks: [.smart]))
      let task = try #require(try await agent.task(registry).examine)
      health.reallocatedSectors = sectors
      health.powerOnHours = (health.powerOnHours ?? 0) + 1
      try await examined(task, smart: health, &agent, registry)
      let drift = try await registry.fleet.facts(of: "node1").standing.drift
      #expect(drift.map(\.text) == expected && drift.allSatisfy { $0.hold == .smart })
    }
  }

  @Test("a place that can not be read holds with its offset, also after the same disk was examined once more")
  func readTest() async throws {
    let registry = try Registry()
    var agent = try await claimed(registry, holds: [.readTest])
    let task = try #require(try await agent.task(registry).examine)
    #expect(task.checks == [.readTest])
    let result = ReadTestResult(
      bytesRead: 1 << 20, seconds: 1,
      faults: [
        ReadFault(offset: 8192, error: "Input/output error"), ReadFault(offset: 1 << 30, error: "Input/output error"),
      ])
    try await examined(task, read: result, &agent, registry)
    #expect(
      try await agent.task(registry).reason?.contains(
        "disk ata-ONE (serial SN1) can not be read at byte 8192 (Input/output error), and 1 more") == true)
    _ = try await registry.fleet.acceptFacts(of: "node1", AcceptFacts())
    _ = try await registry.fleet.examine("node1", ExamineMachine(checks: [.readTest]))
    let second = try #require(try await agent.task(registry).examine)
    var again = result
    again.seconds = 2
    try await examined(second, read: again, &agent, registry)
    #expect(try await agent.task(registry).install != nil)
  }

  @Test("a disk that came after the examination is examined too")
  func newDisk() async throws {
    let registry = try Registry()
    var agent = try await claimed(registry, holds: [.smart])
    let task = try #require(try await agent.task(registry).examine)
    try await examined(task, smart: SmartHealth(verdict: .passed), &agent, registry)
    var inventory = try Self.inventory()
    inventory.disks.disks.append(Disk(id: "nvme-X", node: "/dev/nvme0n1", size: 1 << 40, bus: .nvme, serial: "X"))
    try await send(inventory, &agent, registry)
    let second = try #require(try await agent.task(registry).examine)
    #expect(second.identifier != task.identifier)
  }

  @Test("a machine that waits for approval is examined on request, and stays as it is")
  func discovered() async throws {
    let registry = try Registry()
    let nonce = try await registry.boot(enrolment: .inventory).nonce
    var agent = try Agent()
    _ = try await agent.claim(registry, nonce: nonce, inventory: Self.inventory())
    let name = "m-525400000001"
    _ = try await registry.fleet.examine(name, ExamineMachine(checks: [.smart, .readTest]))
    let task = try #require(try await agent.task(registry).examine)
    #expect(task.checks == [.smart, .readTest])
    try await examined(task, smart: SmartHealth(verdict: .passed), read: ReadTestResult(), &agent, registry)
    #expect(try await agent.task(registry).reason?.contains("waiting for approval") == true)
    #expect(try await registry.state(name) == .discovered)
  }

  @Test("nothing can be accepted of a machine that was never seen, and no check is no examination")
  func refused() async throws {
    let registry = try Registry()
    try await registry.add()
    #expect(
      await refusal { _ = try await registry.fleet.acceptFacts(of: "node1", AcceptFacts()) } is FleetError)
    #expect(
      await refusal { _ = try await registry.fleet.examine("node1", ExamineMachine(checks: [])) } is FleetError)
    #expect(await refusal { _ = try await registry.fleet.facts(of: "node9") } as? FleetError == .noSuchMachine("node9"))
    #expect(try await registry.fleet.facts(of: "node1").records.isEmpty)
  }

  @Test("what an agent makes up about its hardware is kept in bounds and steers no terminal")
  func hostile() async throws {
    let registry = try Registry()
    var agent = try await claimed(registry, holds: [.smart])
    let task = try #require(try await agent.task(registry).examine)
    try await examined(
      task,
      smart: SmartHealth(verdict: .failing, reason: "\u{1B}[2J" + String(repeating: "x", count: 100_000)),
      read: ReadTestResult(faults: (0..<5000).map { ReadFault(offset: $0, error: "\u{202E}") }), &agent, registry)
    let facts = try #require(try await registry.fleet.facts(of: "node1").records.first?.facts)
    #expect(facts.disks.first?.smart?.reason?.count == 300)
    #expect(facts.disks.first?.smart?.reason?.contains("\u{1B}") == false)
    #expect(facts.disks.first?.read?.faults.count == ReadTestResult.faultLimit)
    #expect((try await agent.task(registry).reason?.count ?? 0) < 700)
    var inventory = try Self.inventory()
    inventory.disks.disks = (0..<3000).map {
      Disk(id: "ata-\($0)", node: "/dev/sda", size: 1 << 30, bus: .sata, serial: "S\($0)")
    }
    try await send(inventory, &agent, registry)
    #expect(try await registry.fleet.facts(of: "node1").records.first?.facts.disks.count == 256)
    #expect(try await registry.fleet.events(of: "node1").count < 60)
  }
}

extension AgentTask {
  var examine: ExamineTask? { if case .examine(let task) = self { task } else { nil } }
}
