import DiskLayout
import Testing

@Suite("A disk that carries this machine's own layout")
struct RebuildTests {
  static let group = "Zt4nWq-1a2B-c3D4-e5F6-g7H8-i9J0-kLmNoP"
  static let serial = "S3Z1NB0K123456A"

  private func installed(_ change: (inout DiskContents) -> Void = { _ in }) throws -> DiskInventory {
    var inventory = try RecordedInventory.read("sata-ssd-500gb-blank")
    let plan = try LayoutPlanner.plan(inventory: inventory, spec: LayoutSpec(), identity: .node1)
    var contents = plan.resultingContents(group: Self.group)
    change(&contents)
    inventory.disks[0].contents = contents
    return inventory
  }

  private var rebuild: LayoutIdentity {
    var identity = LayoutIdentity.node1
    identity.installID = "install-2"
    return identity
  }

  @Test("A rebuild makes the system anew and takes over the data")
  func takesOver() throws {
    let first = try LayoutPlanner.plan(
      inventory: RecordedInventory.read("sata-ssd-500gb-blank"), spec: LayoutSpec(), identity: .node1)
    let plan = try LayoutPlanner.plan(
      inventory: installed(), spec: LayoutSpec(), identity: rebuild, keeping: Self.group)
    #expect(plan.situation == .own)
    #expect(plan.volumeGroup.kept == Self.group)
    #expect(plan.partitions == first.partitions)
    #expect(plan.tableUUID == first.tableUUID)
    #expect(plan.fileSystems[0].uuid != first.fileSystems[0].uuid)
    #expect(plan.fileSystems[1].uuid != first.fileSystems[1].uuid)
    #expect(plan.destroys.count == 2)
    #expect(plan.destroys.allSatisfy { !$0.contains("LVM") })
  }

  @Test("Partitions stay where they are, whatever the layout says now")
  func adopts() throws {
    var spec = LayoutSpec()
    spec.systemSize = 50 << 30
    let plan = try LayoutPlanner.plan(inventory: installed(), spec: spec, identity: rebuild, keeping: Self.group)
    #expect(plan.partition(.system)?.size == 95388 << 20)
  }

  @Test("A machine that was renamed keeps its disk, another one does not get it")
  func identity() throws {
    var renamed = rebuild
    renamed.machineName = "node2"
    let plan = try LayoutPlanner.plan(inventory: installed(), spec: LayoutSpec(), identity: renamed)
    #expect(plan.volumeGroup.kept == Self.group)
    #expect(plan.volumeGroup.tags == ["bootstead", "bootstead.machine=node2"])

    let other = LayoutIdentity(machineName: "node1", machineID: "machine-2", installID: "install-1")
    #expect(throws: LayoutRefusal.self) {
      try LayoutPlanner.plan(inventory: installed(), spec: LayoutSpec(), identity: other)
    }
  }

  @Test(
    "A rebuild stops where the data volume group is missing or another one",
    arguments: [
      nil, "AAAAAA-1a2B-c3D4-e5F6-g7H8-i9J0-kLmNoP",
    ])
  func missing(_ found: String?) throws {
    let inventory = try installed { contents in
      if let found {
        contents.partitions[3].signatures[0].volumeGroup?.uuid = found
      } else {
        contents.partitions[3].signatures = []
      }
    }
    let refusal = #expect(throws: LayoutRefusal.self) {
      try LayoutPlanner.plan(inventory: inventory, spec: LayoutSpec(), identity: rebuild, keeping: Self.group)
    }
    #expect(refusal.map(PlanRules.caseName) == "dataMissing")
    #expect("\(refusal.map(String.init(describing:)) ?? "")".contains(Self.group))
    let plan = try LayoutPlanner.plan(
      inventory: inventory, spec: LayoutSpec(), consent: Consent(loseData: [Self.serial]), identity: rebuild,
      keeping: Self.group)
    #expect(plan.volumeGroup.kept == found)
  }

  @Test("A rebuild never takes a blank disk for the one with the data")
  func swapped() throws {
    let blank = try RecordedInventory.read("sata-ssd-500gb-blank")
    let refusal = #expect(throws: LayoutRefusal.self) {
      try LayoutPlanner.plan(inventory: blank, spec: LayoutSpec(), identity: rebuild, keeping: Self.group)
    }
    #expect(refusal.map(PlanRules.caseName) == "dataMissing")
  }

  @Test("Something foreign in the data partition stops the install", arguments: ["zfs_member", "ext4", "crypto_LUKS"])
  func foreignData(_ type: String) throws {
    let inventory = try installed { $0.partitions[3].signatures = [Signature(type: type)] }
    let refusal = #expect(throws: LayoutRefusal.self) {
      try LayoutPlanner.plan(inventory: inventory, spec: LayoutSpec(), identity: .node1)
    }
    #expect(refusal.map(PlanRules.caseName) == "foreignContent")
  }

  @Test("A group without our tag in our partition is not ours")
  func untagged() throws {
    let inventory = try installed { $0.partitions[3].signatures[0].volumeGroup?.tags = [] }
    #expect(throws: LayoutRefusal.self) {
      try LayoutPlanner.plan(inventory: inventory, spec: LayoutSpec(), identity: .node1)
    }
  }

  @Test("Partitions that were moved are refused, and laid out anew only with consent")
  func moved() throws {
    let inventory = try installed { $0.partitions.removeLast() }
    let refusal = #expect(throws: LayoutRefusal.self) {
      try LayoutPlanner.plan(inventory: inventory, spec: LayoutSpec(), identity: .node1)
    }
    #expect(refusal.map(PlanRules.caseName) == "laidOutDifferently")
    let plan = try LayoutPlanner.plan(
      inventory: inventory, spec: LayoutSpec(), consent: Consent(wipe: [Self.serial]), identity: .node1)
    #expect(plan.situation == .consented && !plan.destroys.isEmpty)
  }

  @Test("An install goes on after a power cut right behind the partition table, and before the volume group")
  func cutOff() throws {
    for change: @Sendable (inout DiskContents) -> Void in [
      { contents in for index in contents.partitions.indices { contents.partitions[index].signatures = [] } },
      { $0.partitions[3].signatures[0].volumeGroup = nil },
    ] {
      let plan = try LayoutPlanner.plan(inventory: installed(change), spec: LayoutSpec(), identity: .node1)
      #expect(plan.situation == .own && plan.volumeGroup.kept == nil && plan.destroys.isEmpty)
    }
  }

  @Test("Consent to wipe does not reach data on record")
  func wipeKeepsData() throws {
    let moved = try installed { $0.partitions.removeLast() }
    let consent = Consent(wipe: [Self.serial])
    #expect(throws: LayoutRefusal.self) {
      try LayoutPlanner.plan(
        inventory: moved, spec: LayoutSpec(), consent: consent, identity: rebuild, keeping: Self.group)
    }
    let plan = try LayoutPlanner.plan(
      inventory: installed(), spec: LayoutSpec(), consent: consent, identity: rebuild, keeping: Self.group)
    #expect(plan.volumeGroup.kept == Self.group)
  }

  @Test("The own disk is chosen before a better one that is blank")
  func ownFirst() throws {
    var inventory = try installed()
    inventory.disks += try RecordedInventory.read("nvme-1tb-blank").disks
    let plan = try LayoutPlanner.plan(inventory: inventory, spec: LayoutSpec(), identity: rebuild)
    #expect(plan.disk.serial == Self.serial)
  }
}
