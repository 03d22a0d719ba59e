import DiskLayout
import SeededNumbers

/// Machines as nobody would build them.
struct RandomMachine: CustomStringConvertible {
  var inventory = DiskInventory()
  var spec = LayoutSpec()
  var consent = Consent.none

  init(seed: UInt64) {
    var random = SeededGenerator(seed: seed)
    for index in 0..<Int.random(in: 0...5, using: &random) {
      inventory.disks.append(Self.disk(index, &random))
    }
    if Int.random(in: 0..<4, using: &random) == 0 {
      inventory.controllers.append(
        StorageController(address: "0000:00:17.0", device: "8086:2822", classCode: "010400"))
    }
    let names = inventory.disks.map(\.id)
    switch Int.random(in: 0..<4, using: &random) {
    case 0: spec.systemDisk = .id(names.randomElement(using: &random) ?? "none")
    case 1: spec.systemDisk = .serial(inventory.disks.compactMap(\.serial).randomElement(using: &random) ?? "none")
    default: break
    }
    if Bool.random(using: &random) {
      consent.wipe = Set(inventory.disks.filter { _ in Bool.random(using: &random) }.map(\.consentName))
    }
    if Int.random(in: 0..<3, using: &random) == 0 {
      spec.systemSize = UInt64.random(in: (1 << 30)...(64 << 30), using: &random)
    }
    if Int.random(in: 0..<3, using: &random) == 0 {
      spec.systemMaximum = UInt64.random(in: (4 << 30)...(256 << 30), using: &random)
    }
    spec.poolPercent = Int.random(in: 1...99, using: &random)
    if Int.random(in: 0..<4, using: &random) == 0 {
      spec.chunkSize = UInt64.random(in: 1...64, using: &random) * 65536
    }
    spec.allowsOvercommit = Bool.random(using: &random)
    for index in 0..<Int.random(in: 0...3, using: &random) {
      let size: VolumeSize =
        Bool.random(using: &random)
        ? .poolPercent(Int.random(in: 1...100, using: &random))
        : .bytes(UInt64.random(in: (512 << 20)...(100 << 30), using: &random))
      spec.volumes.append(
        VolumeSpec(
          name: "v\(index)", size: size, fileSystem: Bool.random(using: &random) ? .ext4 : .xfs,
          mountPoint: "/srv/\(index)"))
    }
  }

  private static func disk(_ index: Int, _ random: inout SeededGenerator) -> Disk {
    // From 1 GiB to 32 TiB, each doubling as likely as any other, and not aligned to anything but a sector.
    let sector: UInt64 = Bool.random(using: &random) ? 512 : 4096
    let doublings = UInt64.random(in: 0...15, using: &random)
    let size =
      UInt64.random(in: (1 << (30 + doublings - 1))...(1 << (30 + doublings)), using: &random) / sector * sector
    var contents = DiskContents()
    if Int.random(in: 0..<3, using: &random) == 0 {
      let types = ["ext4", "zfs_member", "LVM2_member", "linux_raid_member", "crypto_LUKS", "ntfs", "btrfs", "vfat"]
      contents.signatures = [Signature(type: types.randomElement(using: &random) ?? "ext4")]
    }
    return Disk(
      id: "disk-\(index)", node: "/dev/x\(index)", size: Int.random(in: 0..<30, using: &random) == 0 ? 0 : size,
      logicalSectorSize: sector, physicalSectorSize: 4096, isRotational: Bool.random(using: &random),
      isRemovable: Int.random(in: 0..<6, using: &random) == 0, isReadOnly: Int.random(in: 0..<10, using: &random) == 0,
      bus: DiskBus.allCases.randomElement(using: &random) ?? .sata,
      serial: Int.random(in: 0..<5, using: &random) == 0 ? nil : "S\(Int.random(in: 0..<8, using: &random))",
      contents: contents, isBootMedium: Int.random(in: 0..<10, using: &random) == 0,
      users: Int.random(in: 0..<10, using: &random) == 0 ? ["dm-0"] : [])
  }

  func plan() -> Result<LayoutPlan, LayoutRefusal> {
    Result { () throws(LayoutRefusal) in
      try LayoutPlanner.plan(inventory: inventory, spec: spec, consent: consent, identity: .node1)
    }
  }

  var description: String { "\(inventory.disks.map(\.summary)) for \(spec)" }
}
