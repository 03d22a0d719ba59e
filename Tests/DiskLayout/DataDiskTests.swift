import DiskLayout
import Testing

@Suite("A disk for the data alone")
struct DataDiskTests {
  static let group = "Zt4nWq-1a2B-c3D4-e5F6-g7H8-i9J0-kLmNoP"
  static let spec = LayoutSpec(
    volumes: [VolumeSpec(name: "photos", size: .bytes(5 << 30), mountPoint: "/srv/photos")],
    dataDisk: .serial("DATA1"))

  static func disk(_ serial: String, _ node: String, gibibytes: UInt64) -> Disk {
    Disk(id: "ata-" + serial, node: node, size: gibibytes << 30, bus: .sata, serial: serial)
  }

  static let blank = DiskInventory(disks: [
    disk("SYSTEM1", "/dev/sda", gibibytes: 64), disk("DATA1", "/dev/sdb", gibibytes: 500),
  ])

  private func plan(
    _ inventory: DiskInventory, spec: LayoutSpec = DataDiskTests.spec, consent: Consent = .none,
    identity: LayoutIdentity = .node1, keeping: String? = nil, known: [KnownDisk] = []
  ) throws -> LayoutPlan {
    try LayoutPlanner.plan(
      inventory: inventory, spec: spec, consent: consent, identity: identity, keeping: keeping, known: known)
  }

  private func installed() throws -> DiskInventory {
    var inventory = Self.blank
    let plan = try plan(inventory)
    inventory.disks[0].contents = plan.resultingContents(of: plan.tables[0])
    inventory.disks[1].contents = plan.resultingContents(of: plan.tables[1])
    return inventory
  }

  private var rebuild: LayoutIdentity {
    LayoutIdentity(machineName: "node1", machineID: "machine-1", installID: "install-2")
  }

  private func refusal(_ body: () throws -> LayoutPlan) -> (name: String, text: String) {
    let refusal = #expect(throws: LayoutRefusal.self) { _ = try body() }
    return (refusal.map(PlanRules.caseName) ?? "", "\(refusal.map(String.init(describing:)) ?? "")")
  }

  @Test("The system gets all of its disk, the group all of the other")
  func blank() throws {
    let plan = try plan(Self.blank)
    #expect(plan.disk.serial == "SYSTEM1" && plan.dataDisk?.disk.serial == "DATA1")
    #expect(plan.partitions.map(\.role) == [.bios, .esp, .system])
    let data = try #require(plan.partition(.data))
    #expect(data.number == 1 && data.start == 1 << 20)
    for table in plan.tables {
      let end = table.partitions.map(\.end).max() ?? 0
      #expect(table.disk.size - end < 3 << 20 && table.disk.size - end > 16384)
    }
    let identifiers = plan.tables.flatMap { [$0.uuid] + $0.partitions.map(\.uuid) } + plan.fileSystems.map(\.uuid)
    #expect(Set(identifiers).count == identifiers.count)
    #expect(plan.pool.size > 400 << 30)
    #expect(plan.summary.contains("data disk   ata-DATA1") && plan.preview().contains("data 499.9 GiB"))
  }

  @Test("The same machine without a data disk gets the plan that it always got")
  func withoutDataDisk() throws {
    var spec = Self.spec
    spec.dataDisk = nil
    spec.systemDisk = .serial("SYSTEM1")
    let plan = try plan(Self.blank, spec: spec)
    #expect(plan.partitions.map(\.role) == PartitionRole.allCases && plan.dataDisk == nil)
    #expect(plan.tableUUID == "e8c295a6-542d-85e4-af7c-df78f6de18ca")
    #expect(
      plan.fileSystems.map(\.uuid) == [
        "97462322-27ec-8795-8300-dbeeb72fbad1", "EBB4-7B1A", "44a61609-0a5d-87b6-973f-3275486dcb99",
      ])
  }

  @Test("A rebuild takes over the group; with a new blank system disk too")
  func takesOver() throws {
    let first = try plan(Self.blank)
    let second = try plan(installed(), identity: rebuild, keeping: Self.group)
    #expect(second.volumeGroup.kept == Self.group && second.dataDisk?.situation == .own && second.situation == .own)
    #expect(second.dataDisk?.partition == first.dataDisk?.partition && second.partitions == first.partitions)
    #expect(second.fileSystems[2].uuid == first.fileSystems[2].uuid)

    var replaced = try installed()
    replaced.disks[0] = Self.disk("SYSTEM2", "/dev/sda", gibibytes: 120)
    let third = try plan(replaced, identity: rebuild, keeping: Self.group)
    #expect(third.disk.serial == "SYSTEM2" && third.situation == .blank && third.destroys.isEmpty)
    #expect(third.volumeGroup.kept == Self.group && third.dataDisk?.situation == .own)
    #expect(third.fileSystems[2].uuid == first.fileSystems[2].uuid && third.tableUUID != first.tableUUID)
  }

  @Test("A new data disk stops a rebuild, unless the data may be lost")
  func dataGone() throws {
    var inventory = try installed()
    inventory.disks[1] = Self.disk("DATA2", "/dev/sdb", gibibytes: 500)
    #expect(refusal { try self.plan(inventory, identity: rebuild, keeping: Self.group) }.name == "notFound")
    var spec = Self.spec
    spec.dataDisk = .serial("DATA2")
    let (name, text) = refusal { try self.plan(inventory, spec: spec, identity: rebuild, keeping: Self.group) }
    #expect(name == "dataMissing" && text.contains("DATA2") && text.contains(Self.group))
    let plan = try plan(
      inventory, spec: spec, consent: Consent(loseData: ["DATA2"]), identity: rebuild, keeping: Self.group)
    #expect(plan.volumeGroup.kept == nil && plan.dataDisk?.situation == .blank && plan.situation == .own)
  }

  @Test("Consent to wipe the system disk does not reach the data disk")
  func consentIsForOneDisk() throws {
    var inventory = Self.blank
    for index in 0...1 { inventory.disks[index].contents.signatures = [Signature(type: "ext4", label: "old")] }
    let (name, text) = refusal { try self.plan(inventory, consent: Consent(wipe: ["SYSTEM1"])) }
    #expect(name == "foreignContent" && text.contains("DATA1"))
    let plan = try plan(inventory, consent: Consent(wipe: ["SYSTEM1", "DATA1"]))
    #expect(plan.situation == .consented && plan.dataDisk?.situation == .consented && plan.destroys.count == 2)
  }

  @Test("The data disk is never guessed, and never the system disk")
  func named() throws {
    var spec = Self.spec
    spec.dataDisk = .automatic
    #expect(refusal { try self.plan(Self.blank, spec: spec) }.name == "invalidSpec")
    spec.dataDisk = .serial("DATA1")
    spec.systemDisk = .serial("DATA1")
    #expect(refusal { try self.plan(Self.blank, spec: spec) }.name == "invalidSpec")
    spec.systemDisk = .id("ata-DATA1")
    #expect(refusal { try self.plan(Self.blank, spec: spec) }.name == "invalidSpec")
    var alone = Self.blank
    alone.disks.removeFirst()
    #expect(refusal { try self.plan(alone) }.name == "noneEligible")
  }

  @Test("A disk with a system and data of one disk is not taken for one of the two")
  func otherForm() throws {
    var spec = Self.spec
    spec.dataDisk = nil
    spec.systemDisk = .serial("DATA1")
    var inventory = Self.blank
    let whole = try plan(inventory, spec: spec)
    inventory.disks[1].contents = whole.resultingContents()
    #expect(refusal { try self.plan(inventory) }.name == "foreignContent")
  }

  @Test("A disk without a serial number on another controller is known by its partition table")
  func otherController() throws {
    var inventory = try RecordedInventory.read("virtio-without-serial")
    let first = try LayoutPlanner.plan(inventory: inventory, spec: LayoutSpec(), identity: .node1)
    inventory.disks[0].contents = first.resultingContents()
    inventory.disks[0].id = "path:pci-0000:09:00.0"
    #expect(throws: LayoutRefusal.self) {
      try LayoutPlanner.plan(inventory: inventory, spec: LayoutSpec(), identity: rebuild, keeping: Self.group)
    }
    let known = KnownDisk(name: first.disk.id, tableUUID: first.tableUUID)
    let plan = try LayoutPlanner.plan(
      inventory: inventory, spec: LayoutSpec(), identity: rebuild, keeping: Self.group, known: [known])
    #expect(plan.situation == .own && plan.volumeGroup.kept == Self.group)
    #expect(plan.disk.id == "path:pci-0000:09:00.0" && plan.disk.recordedName == first.disk.id)
    #expect(plan.tableUUID == first.tableUUID && plan.partitions == first.partitions)

    // The record of another disk, or of another machine, makes no disk this machine's own.
    let other = LayoutIdentity(machineName: "node1", machineID: "machine-2", installID: "install-2")
    #expect(throws: LayoutRefusal.self) {
      try LayoutPlanner.plan(inventory: inventory, spec: LayoutSpec(), identity: other, known: [known])
    }
  }

  @Test("A disk whose first name in by-id changed is known by another of its names")
  func otherName() throws {
    var inventory = Self.blank
    inventory.disks.removeLast()
    let first = try LayoutPlanner.plan(inventory: inventory, spec: LayoutSpec(), identity: .node1)
    inventory.disks[0].contents = first.resultingContents()
    inventory.disks[0].aliases = ["ata-SYSTEM1"]
    inventory.disks[0].id = "scsi-SYSTEM1"
    let plan = try LayoutPlanner.plan(
      inventory: inventory, spec: LayoutSpec(), identity: rebuild, keeping: Self.group)
    #expect(plan.situation == .own && plan.disk.id == "scsi-SYSTEM1" && plan.disk.recordedName == "ata-SYSTEM1")
  }

  @Test("A disk from another Bootstead machine is named so and never chosen")
  func movedIn() throws {
    var moved = Self.disk("MOVED", "/dev/sdc", gibibytes: 500)
    let theirs = LayoutIdentity(machineName: "node7", machineID: "machine-7", installID: "install-1")
    let plan = try LayoutPlanner.plan(
      inventory: DiskInventory(disks: [moved]), spec: LayoutSpec(volumeGroup: "tank"), identity: theirs)
    moved.contents = plan.resultingContents()
    var inventory = try installed()
    inventory.disks.append(moved)
    let second = try self.plan(inventory, identity: rebuild, keeping: Self.group)
    #expect(second.tables.allSatisfy { $0.disk.id != moved.id })
    #expect(second.notes.contains { $0.contains("ata-MOVED") && $0.contains("node7") })

    moved.contents.partitions[3].signatures[0].volumeGroup?.name = "data"
    inventory.disks[2] = moved
    let (name, text) = refusal { try self.plan(inventory, identity: rebuild, keeping: Self.group) }
    #expect(name == "otherMachinesDisk" && text.contains("node7") && text.contains("MOVED"))
    let alone = refusal { try self.plan(DiskInventory(disks: [moved]), spec: LayoutSpec()) }
    #expect(alone.name == "otherMachinesDisk" && alone.text.contains("node7"))
  }
}
