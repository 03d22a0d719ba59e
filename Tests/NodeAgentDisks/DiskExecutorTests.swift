import DiskLayout
import NodeAgent
import ProgramRunner
import Synchronization
import Testing

@Suite("Carrying out a plan")
struct DiskExecutorTests {
  static let spec = LayoutSpec(volumes: [
    VolumeSpec(name: "photos", size: .bytes(5 << 30), mountPoint: "/srv/photos"),
    VolumeSpec(name: "bulk", size: .poolPercent(20), fileSystem: .xfs, mountPoint: "/srv/bulk"),
  ])

  static func blank(sector: UInt64 = 512) -> Disk {
    Disk(
      id: "virtio-LAB0001", node: "/dev/vda", size: 40 << 30, logicalSectorSize: sector, bus: .virtio, serial: "LAB0001"
    )
  }

  static let other = Disk(
    id: "ata-OTHER", node: "/dev/sda", size: 1 << 42, isRotational: true, bus: .sata, serial: "OTHER",
    contents: DiskContents(signatures: [
      Signature(
        type: "LVM2_member", volumeGroup: FoundVolumeGroup(name: "vg0", uuid: "x", tags: []))
    ]))

  private func plan(
    _ machine: FakeMachine, install: String = "install-1", consent: Consent = .none
  ) throws -> LayoutPlan {
    try LayoutPlanner.plan(
      inventory: machine.disks(), spec: Self.spec, consent: consent,
      identity: LayoutIdentity(machineName: "node1", machineID: "machine-1", installID: install))
  }

  private func executor(_ plan: LayoutPlan, _ machine: FakeMachine) -> DiskExecutor {
    DiskExecutor(plan: plan, runner: machine, source: machine, hasUdev: true)
  }

  private func expectFinished(_ machine: FakeMachine, _ plan: LayoutPlan) {
    machine.state.withLock { state in
      let contents = state.inventory.disks[0].contents
      #expect(contents.table?.uuid == plan.tableUUID)
      #expect(contents.partitions.map(\.uuid) == plan.partitions.map(\.uuid))
      #expect(contents.partitions.map(\.start) == plan.partitions.map(\.start))
      #expect(contents.partitions[1].signatures.first?.uuid == plan.fileSystems[1].uuid)
      #expect(contents.partitions[2].signatures.first?.uuid == plan.fileSystems[0].uuid)
      #expect(state.group?.tags == ["bootstead", "bootstead.machine=node1"])
      #expect(state.group?.volumes["pool"]?.segmentType == "thin-pool")
      #expect(state.group?.volumes["photos"]?.pool == "pool")
      #expect(state.volumeSignatures["/dev/data/photos"]?.type == "ext4")
      #expect(state.volumeSignatures["/dev/data/bulk"]?.type == "xfs")
      #expect(state.mounts.prefix(2).map(\.target) == ["/mnt", "/mnt/boot"])
    }
  }

  @Test("An empty disk is partitioned, gets its volumes and is mounted", arguments: [512, 4096] as [UInt64])
  func empty(_ sector: UInt64) async throws {
    let machine = FakeMachine(DiskInventory(disks: [Self.blank(sector: sector)]))
    let plan = try plan(machine)
    let result = try await executor(plan, machine).run()
    #expect(result == MountedLayout(target: "/mnt", diskNode: "/dev/vda", volumeGroupUUID: FakeMachine.Group.uuid))
    expectFinished(machine, plan)
    machine.state.withLock { state in
      #expect(state.mounts.map(\.target) == ["/mnt", "/mnt/boot", "/mnt/srv/bulk", "/mnt/srv/photos"])
    }
  }

  @Test("Every command names the planned disk or none, and LVM sees only the data partition")
  func onlyThePlannedDisk() async throws {
    let machine = FakeMachine(DiskInventory(disks: [Self.blank(), Self.other]))
    let executor = executor(try plan(machine), machine)
    _ = try await executor.run()
    try await executor.unmount()
    for command in machine.commands {
      #expect(!"\(command)".contains("sda"))
      if command.program == "lvm" { #expect(Array(command.arguments[1...2]) == ["--devices", "/dev/vda4"]) }
      #expect(command.program != "pvscan" && !command.arguments.contains("--activateall"))
    }
  }

  @Test("After a power cut at any command the next run ends with the same disk")
  func powerCuts() async throws {
    let whole = FakeMachine(DiskInventory(disks: [Self.blank()]))
    let plan = try plan(whole)
    _ = try await executor(plan, whole).run()
    let count = whole.commands.count
    #expect(count > 25)
    for power in 1..<count {
      let machine = FakeMachine(DiskInventory(disks: [Self.blank()]))
      machine.restart(power: power)
      await #expect(throws: DiskExecutionError.self) { _ = try await executor(plan, machine).run() }
      machine.restart()
      // The appliance plans again from what is there now; the target stays the same.
      let second = try self.plan(machine)
      #expect(second.partitions == plan.partitions && second.fileSystems == plan.fileSystems)
      _ = try await executor(second, machine).run()
      expectFinished(machine, plan)
    }
  }

  @Test("The same plan may be carried out again as it is, after a cut and when it is finished")
  func samePlan() async throws {
    for power in [3, 9, 14, 20, 27] {
      let machine = FakeMachine(DiskInventory(disks: [Self.blank()]))
      let plan = try plan(machine)
      machine.restart(power: power)
      await #expect(throws: DiskExecutionError.self) { _ = try await executor(plan, machine).run() }
      machine.restart()
      _ = try await executor(plan, machine).run()
      expectFinished(machine, plan)
    }
  }

  @Test("A finished disk is left as it is")
  func finished() async throws {
    let machine = FakeMachine(DiskInventory(disks: [Self.blank()]))
    let plan = try plan(machine)
    _ = try await executor(plan, machine).run()
    let before = machine.commands.count
    _ = try await executor(plan, machine).run()
    let writing = ["sfdisk", "wipefs", "mkfs.ext4", "mkfs.vfat", "mkfs.xfs", "mount"]
    let changing = ["pvcreate", "vgcreate", "lvcreate", "lvremove", "vgchange"]
    for command in machine.commands.dropFirst(before) {
      #expect(!writing.contains(command.program), "\(command)")
      #expect(!changing.contains(command.arguments.first ?? ""), "\(command)")
    }
  }

  @Test("A rebuild formats the system and touches no volume")
  func rebuild() async throws {
    let machine = FakeMachine(DiskInventory(disks: [Self.blank()]))
    _ = try await executor(plan(machine), machine).run()
    machine.restart()
    let before = machine.commands.count
    let second = try plan(machine, install: "install-2")
    #expect(second.volumeGroup.kept == FakeMachine.Group.uuid)
    _ = try await executor(second, machine).run()
    expectFinished(machine, second)
    let commands = machine.commands.dropFirst(before)
    #expect(commands.filter { $0.program.hasPrefix("mkfs") }.map { $0.arguments.last } == ["/dev/vda3", "/dev/vda2"])
    #expect(!commands.contains { $0.program == "sfdisk" })
    #expect(!commands.contains { $0.program == "lvm" })
    machine.state.withLock { #expect($0.active.isEmpty) }
  }

  @Test("A new install in the same boot lets go of what the last one mounted, and of nothing else")
  func sameBoot() async throws {
    let machine = FakeMachine(DiskInventory(disks: [Self.blank()]))
    _ = try await executor(plan(machine), machine).run()
    let second = try plan(machine, install: "install-2")
    _ = try await executor(second, machine).run()
    expectFinished(machine, second)

    machine.state.withLock { $0.mounts = [("/dev/vda3", "/somewhere")] }
    let third = try plan(machine, install: "install-3")
    let error = await #expect(throws: DiskExecutionError.self) { _ = try await executor(third, machine).run() }
    #expect("\(error.map(String.init(describing:)) ?? "")".contains("/somewhere"))
  }

  @Test("What power cuts left of a pool goes only from a group that was never finished")
  func remains() async throws {
    let machine = FakeMachine(DiskInventory(disks: [Self.blank()]))
    _ = try await executor(plan(machine), machine).run()
    machine.restart()
    machine.state.withLock { $0.group?.volumes = ["precious": FakeMachine.Volume(segmentType: "linear")] }
    let second = try plan(machine, install: "install-2")
    let error = await #expect(throws: DiskExecutionError.self) { _ = try await executor(second, machine).run() }
    #expect("\(error.map(String.init(describing:)) ?? "")".contains("precious"))
    machine.state.withLock { #expect($0.group?.volumes["precious"] != nil) }
    machine.state.withLock { _ = $0.group?.tags.insert("bootstead.unfinished") }
    _ = try await executor(second, machine).run()
    machine.state.withLock { #expect($0.group?.volumes["precious"] == nil) }
  }

  @Test("Foreign content that was consented to is wiped first")
  func consented() async throws {
    var disk = Self.blank()
    disk.contents = DiskContents(
      table: PartitionTable(kind: "gpt", uuid: "foreign"),
      partitions: [
        FoundPartition(number: 1, start: 1 << 20, size: 1 << 30, type: "x", signatures: [Signature(type: "zfs_member")])
      ])
    let machine = FakeMachine(DiskInventory(disks: [disk]))
    machine.restart()
    let plan = try plan(machine, consent: Consent(wipe: ["LAB0001"]))
    _ = try await executor(plan, machine).run()
    #expect(
      machine.commands.filter { $0.program == "wipefs" }.prefix(2).map { $0.arguments.last } == [
        "/dev/vda1", "/dev/vda",
      ])
    expectFinished(machine, plan)
  }

  private func foreign() -> FakeMachine {
    var disk = Self.blank()
    disk.contents = DiskContents(
      table: PartitionTable(kind: "dos", uuid: "1234abcd"),
      partitions: [
        FoundPartition(number: 1, start: 1 << 20, size: 1 << 30, type: "0x83", signatures: [Signature(type: "ext4")])
      ])
    let machine = FakeMachine(DiskInventory(disks: [disk]))
    machine.restart()
    return machine
  }

  @Test("With consent, too, an install that was cut off goes on instead of wiping once more")
  func consentedCuts() async throws {
    let consent = Consent(wipe: ["LAB0001"])
    let whole = foreign()
    _ = try await executor(plan(whole, consent: consent), whole).run()
    for power in 1..<whole.commands.count {
      let machine = foreign()
      let first = try plan(machine, consent: consent)
      machine.restart(power: power)
      await #expect(throws: DiskExecutionError.self) { _ = try await executor(first, machine).run() }
      let wiped = machine.commands.contains { $0.program == "sfdisk" }
      machine.restart()
      let second = try plan(machine, consent: consent)
      #expect(!wiped || second.situation == .own)
      _ = try await executor(second, machine).run()
      expectFinished(machine, second)
    }
  }

  @Test(
    "Own partitions that cannot be taken over go by consent",
    arguments: [
      { $0.partitions.removeLast() },
      { $0.partitions[3].signatures = [Signature(type: "zfs_member")] },
    ] as [@Sendable (inout DiskContents) -> Void])
  func ownButSpoilt(_ change: @Sendable (inout DiskContents) -> Void) async throws {
    let machine = FakeMachine(DiskInventory(disks: [Self.blank()]))
    _ = try await executor(plan(machine), machine).run()
    machine.state.withLock { state in
      state.group = nil
      change(&state.inventory.disks[0].contents)
    }
    machine.restart()
    #expect(throws: LayoutRefusal.self) { try plan(machine) }
    let second = try plan(machine, consent: Consent(wipe: ["LAB0001"]))
    #expect(second.situation == .consented)
    _ = try await executor(second, machine).run()
    expectFinished(machine, second)
  }

  static let changes: [(String, @Sendable (inout Disk) -> Void)] = [
    ("serial", { $0.serial = "LAB0002" }),
    ("bytes", { $0.size += 512 }),
    ("sectors", { $0.logicalSectorSize = 4096 }),
    ("gone", { $0.id = "virtio-LAB0002" }),
    ("not empty", { $0.contents.signatures = [Signature(type: "ext4", label: "photos")] }),
    ("in use", { $0.users = ["md0"] }),
    ("read-only", { $0.isReadOnly = true }),
    ("boot medium", { $0.isBootMedium = true }),
  ]

  @Test("A disk that changed since it was planned is not written to", arguments: changes)
  func changed(_ words: String, _ change: @Sendable (inout Disk) -> Void) async throws {
    let machine = FakeMachine(DiskInventory(disks: [Self.blank()]))
    let plan = try plan(machine)
    machine.state.withLock { change(&$0.inventory.disks[0]) }
    let error = await #expect(throws: DiskExecutionError.self) { _ = try await executor(plan, machine).run() }
    #expect("\(error.map(String.init(describing:)) ?? "")".contains(words))
    #expect(machine.commands.isEmpty)
  }

  @Test(
    "A plan whose numbers do not fit the disk is not carried out",
    arguments: [
      { $0.partitions[3].size = .max },
      { $0.partitions[3].size += 1 << 30 },
      { $0.partitions[2].start = 2 << 20 },
      { $0.partitions[0].start = 0 },
      { $0.partitions[2].start += 512 },
      { $0.partitions[1].size = 0 },
      { $0.partitions.removeLast() },
    ] as [@Sendable (inout LayoutPlan) -> Void])
  func hostilePlan(_ change: @Sendable (inout LayoutPlan) -> Void) async throws {
    let machine = FakeMachine(DiskInventory(disks: [Self.blank()]))
    var plan = try plan(machine)
    change(&plan)
    await #expect(throws: DiskExecutionError.self) { _ = try await executor(plan, machine).run() }
    #expect(machine.commands.isEmpty)
  }

  @Test("Progress counts each step once")
  func progress() async throws {
    let machine = FakeMachine(DiskInventory(disks: [Self.blank()]))
    let seen = ProgressRecord()
    _ = try await executor(plan(machine), machine).run { await seen.add($0) }
    let all = await seen.all
    #expect(Set(all.map(\.of)).count == 1)
    #expect(all.filter { $0.state != .started }.map(\.step) == Array(1...(all.first?.of ?? 0)))
  }
}

actor ProgressRecord {
  var all: [DiskProgress] = []
  func add(_ progress: DiskProgress) { all.append(progress) }
}
