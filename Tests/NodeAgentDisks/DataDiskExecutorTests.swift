import AgentProtocol
import DiskLayout
import Foundation
import NodeAgent
import ProgramRunner
import Synchronization
import Testing

@Suite("Carrying out a plan on two disks")
struct DataDiskExecutorTests {
  static let spec: LayoutSpec = {
    var spec = DiskExecutorTests.spec
    spec.dataDisk = .serial("DATA1")
    return spec
  }()

  static func disk(_ serial: String, _ node: String) -> Disk {
    Disk(id: "virtio-" + serial, node: node, size: 40 << 30, bus: .virtio, serial: serial)
  }

  private func machine() -> FakeMachine {
    FakeMachine(
      DiskInventory(disks: [
        Self.disk("SYSTEM1", "/dev/vda"), Self.disk("DATA1", "/dev/vdb"), DiskExecutorTests.other,
      ]))
  }

  private func plan(_ machine: FakeMachine, install: String = "install-1", keeping: String? = nil) throws -> LayoutPlan
  {
    try LayoutPlanner.plan(
      inventory: machine.disks(), spec: Self.spec,
      identity: LayoutIdentity(machineName: "node1", machineID: "machine-1", installID: install), keeping: keeping)
  }

  private func executor(_ plan: LayoutPlan, _ machine: FakeMachine) -> DiskExecutor {
    DiskExecutor(plan: plan, runner: machine, source: machine, hasUdev: true)
  }

  private func expectFinished(_ machine: FakeMachine, _ plan: LayoutPlan) {
    machine.state.withLock { state in
      for (index, table) in plan.tables.enumerated() {
        let contents = state.inventory.disks[index].contents
        #expect(contents.table?.uuid == table.uuid)
        #expect(contents.partitions.map(\.uuid) == table.partitions.map(\.uuid))
        #expect(contents.partitions.map(\.start) == table.partitions.map(\.start))
      }
      let system = state.inventory.disks[0].contents.partitions
      #expect(system[1].signatures.first?.uuid == plan.fileSystems[1].uuid)
      #expect(system[2].signatures.first?.uuid == plan.fileSystems[0].uuid)
      let data = state.inventory.disks[1].contents.partitions
      #expect(data.first?.signatures.first?.uuid == plan.volumeGroup.physicalVolumeUUID)
      #expect(state.group?.tags == ["bootstead", "bootstead.machine=node1"])
      #expect(state.volumeSignatures["/dev/data/photos"]?.type == "ext4")
      #expect(state.mounts.prefix(2).map(\.target) == ["/mnt", "/mnt/boot"])
      #expect(state.inventory.disks[2] == DiskExecutorTests.other)
    }
  }

  @Test("The system goes to one disk, the group to the other; LVM sees only that one")
  func empty() async throws {
    let machine = machine()
    let plan = try plan(machine)
    let result = try await executor(plan, machine).run()
    #expect(result.diskNode == "/dev/vda")
    expectFinished(machine, plan)
    for command in machine.commands {
      #expect(!"\(command)".contains("sda"))
      if command.program == "lvm" { #expect(Array(command.arguments[1...2]) == ["--devices", "/dev/vdb1"]) }
    }
    #expect(machine.commands.filter { $0.program == "sfdisk" }.map { $0.arguments.last } == ["/dev/vda", "/dev/vdb"])
  }

  @Test("After a power cut at any command the next run ends with the same disks")
  func powerCuts() async throws {
    let whole = machine()
    let plan = try plan(whole)
    _ = try await executor(plan, whole).run()
    for power in 1..<whole.commands.count {
      let machine = machine()
      machine.restart(power: power)
      await #expect(throws: DiskExecutionError.self) { _ = try await executor(plan, machine).run() }
      machine.restart()
      let second = try self.plan(machine)
      #expect(second.tables.map(\.partitions) == plan.tables.map(\.partitions))
      _ = try await executor(second, machine).run()
      expectFinished(machine, plan)
    }
  }

  /// Installed, then its system disk is exchanged for a blank one.
  private func replaced() async throws -> FakeMachine {
    let machine = machine()
    let first = executor(try plan(machine), machine)
    _ = try await first.run()
    try await first.unmount()
    machine.state.withLock { $0.inventory.disks[0] = Self.disk("SYSTEM2", "/dev/vda") }
    machine.restart()
    return machine
  }

  @Test("A new system disk is laid out, and nothing is written to the data disk, whenever the power is cut")
  func newSystemDisk() async throws {
    func run(_ machine: FakeMachine) async throws -> LayoutPlan {
      let plan = try self.plan(machine, install: "install-2", keeping: FakeMachine.Group.uuid)
      #expect(plan.volumeGroup.kept == FakeMachine.Group.uuid)
      let task = InstallTask(
        identifier: "install-2", machineName: "node1", plan: plan, closure: "/nix/store/x", cachePublicKeys: [],
        machineConfiguration: Data(),
        consent: ConsentRecord(trust: .codeCompared, grantedBy: "operator", grantedAt: 0))
      let data = try #require(plan.dataDisk)
      let rebuild = RebuildTask(
        volumeGroupUUID: FakeMachine.Group.uuid, tags: ["bootstead"],
        disks: [
          InstalledDisk(identifier: "virtio-SYSTEM2", serial: "SYSTEM2"),
          InstalledDisk(
            identifier: "virtio-DATA1", serial: "DATA1", partitionTableUUID: data.tableUUID,
            volumeGroupUUID: FakeMachine.Group.uuid),
        ])
      let kept = KeptData(
        runner: machine, source: machine, reader: FakeReader(machine: machine),
        scratch: machine.scratch, hasUdev: true)
      let before = try await kept.prepare(task, rebuild, say: { _ in }, save: { _ in })
      _ = try await executor(plan, machine).run()
      expectFinished(machine, plan)
      try await executor(plan, machine).unmount()
      #expect(try await kept.fingerprints(task, rebuild, say: { _ in }) == before)
      return plan
    }
    let whole = try await replaced()
    let start = whole.commands.count
    let second = try await run(whole)
    #expect(second.disk.serial == "SYSTEM2" && second.situation == .blank)
    let writing = ["sfdisk", "wipefs", "mkfs.ext4", "mkfs.vfat", "mkfs.xfs", "blkdiscard", "dd"]
    for command in whole.commands.dropFirst(start) where writing.contains(command.program) {
      #expect(command.arguments.first == "--dump" || !"\(command)".contains("/dev/vdb"), "\(command)")
      #expect(!"\(command)".contains("/dev/data/"))
    }
    for power in 1..<whole.commands.count - start {
      let machine = try await replaced()
      machine.restart(power: power)
      await #expect(throws: (any Error).self) { _ = try await run(machine) }
      machine.restart()
      _ = try await run(machine)
    }
  }

  @Test("A rebuild whose data disk is missing says which disk that is")
  func dataDiskMissing() async throws {
    let machine = machine()
    let first = executor(try plan(machine), machine)
    _ = try await first.run()
    try await first.unmount()
    machine.restart()
    let second = try plan(machine, install: "install-2", keeping: FakeMachine.Group.uuid)
    machine.state.withLock { _ = $0.inventory.disks.remove(at: 1) }
    let before = machine.commands.count
    let kept = KeptData(
      runner: machine, source: machine, reader: FakeReader(machine: machine),
      scratch: machine.scratch, hasUdev: true)
    let task = InstallTask(
      identifier: "install-2", machineName: "node1", plan: second, closure: "/nix/store/x", cachePublicKeys: [],
      machineConfiguration: Data(), consent: ConsentRecord(trust: .codeCompared, grantedBy: "operator", grantedAt: 0))
    let rebuild = RebuildTask(
      volumeGroupUUID: FakeMachine.Group.uuid, tags: [],
      disks: [
        InstalledDisk(identifier: "virtio-SYSTEM1", serial: "SYSTEM1", partitionTableUUID: second.tableUUID),
        InstalledDisk(
          identifier: "virtio-DATA1", serial: "DATA1", partitionTableUUID: second.dataDisk?.tableUUID,
          volumeGroupUUID: FakeMachine.Group.uuid),
      ])
    let error = await #expect(throws: RebuildRefusal.self) {
      _ = try await kept.prepare(task, rebuild, say: { _ in }, save: { _ in })
    }
    let text = "\(error.map(String.init(describing:)) ?? "")"
    #expect(text.contains("disk virtio-DATA1: expected serial number DATA1") && text.contains("no such disk"))
    #expect(text.contains("volume group data") && !text.contains("disk virtio-SYSTEM1:"))
    #expect(machine.commands.count == before)
  }

  @Test("A plan that names one disk twice, or puts a part on the wrong one, is not carried out")
  func hostilePlan() async throws {
    for change: @Sendable (inout LayoutPlan) -> Void in [
      { $0.dataDisk?.disk.id = "virtio-SYSTEM1" },
      { $0.dataDisk?.partition.role = .system },
      { $0.dataDisk = nil },
      { $0.dataDisk?.partition.size = .max },
      { $0.dataDisk?.disk.serial = "DATA2" },
    ] {
      let machine = machine()
      var plan = try plan(machine)
      change(&plan)
      await #expect(throws: DiskExecutionError.self) { _ = try await executor(plan, machine).run() }
      #expect(machine.commands.isEmpty)
    }
  }
}
