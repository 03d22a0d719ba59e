import DiskLayout
import Foundation
import Testing

/// What must come out for a recorded inventory.
enum Expected: Sendable {
  /// The disk, the system partition in MiB, the pool's data in MiB, its chunk in KiB, its metadata in MiB.
  case plan(disk: String, system: UInt64, pool: UInt64, chunk: UInt64, metadata: UInt64)
  /// The case of the refusal, and what its text must name.
  case refusal(String, naming: [String])
}

struct Recorded: Sendable, CustomTestStringConvertible {
  var inventory: String
  var spec = LayoutSpec()
  var consent = Consent.none
  var expected: Expected

  init(_ inventory: String, _ disk: SystemDisk = .automatic, wipe: Set<String> = [], is expected: Expected) {
    self.inventory = inventory
    spec.systemDisk = disk
    consent.wipe = wipe
    self.expected = expected
  }

  var testDescription: String { "\(inventory), \(spec.systemDisk), consent for \(consent.wipe.sorted())" }
}

@Suite("Recorded inventories")
struct RecordedInventoryTests {
  static let samsung = "ata-Samsung_SSD_860_EVO_500GB_S3Z1NB0K123456A"
  static let nvme = "nvme-Samsung_SSD_970_EVO_Plus_1TB_S4EWNX0R412345X"

  static let table: [Recorded] = [
    // Blank disks of all kinds and sizes.
    Recorded("nvme-1tb-blank", is: .plan(disk: nvme, system: 190_773, pool: 723_964, chunk: 64, metadata: 708)),
    Recorded(
      "nvme-500gb-4096-sectors",
      is: .plan(
        disk: "nvme-WDC_WDS500G3X0C-00SJG0_2045AB801234", system: 95388, pool: 361_496, chunk: 64, metadata: 356)),
    Recorded("sata-ssd-500gb-blank", is: .plan(disk: samsung, system: 95388, pool: 361_496, chunk: 64, metadata: 356)),
    Recorded(
      "sas-1200gb-10k",
      is: .plan(disk: "scsi-35000c5009a8b7c6d", system: 228_928, pool: 868_948, chunk: 64, metadata: 852)),
    Recorded(
      "sas-22tb-4096-sectors",
      is: .plan(disk: "scsi-35000cca2c1234567", system: 4_196_352, pool: 15_945_160, chunk: 512, metadata: 1948)),
    Recorded(
      "sata-22tb-512e",
      is: .plan(
        disk: "ata-ST22000NM001E-3HM103_ZX20A1B2", system: 4_196_352, pool: 15_945_160, chunk: 512, metadata: 1948)),
    Recorded(
      "emmc-64gb", is: .plan(disk: "mmc-DA4064_0x1b2c3d4e", system: 20480, pool: 36224, chunk: 64, metadata: 36)),
    Recorded(
      "emmc-beside-sd-card",
      is: .plan(disk: "mmc-DA4064_0x1b2c3d4e", system: 20480, pool: 36224, chunk: 64, metadata: 36)),
    Recorded(
      "emmc-32gb-decimal", is: .plan(disk: "mmc-BJNB4R_0x11223344", system: 12348, pool: 15620, chunk: 64, metadata: 16)
    ),
    Recorded("emmc-16gb", is: .plan(disk: "mmc-BJTD4R_0x5e6f7a8b", system: 8192, pool: 5400, chunk: 64, metadata: 16)),
    Recorded("virtio-32gib", is: .plan(disk: "virtio-LAB0001", system: 20480, pool: 10696, chunk: 64, metadata: 16)),
    Recorded(
      "virtio-without-serial",
      is: .plan(disk: "path:pci-0000:04:00.0", system: 20480, pool: 41824, chunk: 64, metadata: 44)),
    Recorded(
      "qemu-scsi-100gib",
      is: .plan(disk: "scsi-0QEMU_QEMU_HARDDISK_drive-scsi0", system: 20480, pool: 76844, chunk: 64, metadata: 76)),
    // Too little, or nothing.
    Recorded("emmc-8gb", is: .refusal("tooSmall", naming: ["mmc-8GTF4R_0x5e6f7a8c", "7818182656", "13961789440"])),
    Recorded("no-disks", is: .refusal("noDisks", naming: ["firmware setup"])),
    Recorded("raid-mode-no-disks", is: .refusal("noDisks", naming: ["0000:00:17.0", "8086:2822", "AHCI"])),
    Recorded(
      "sas-2-disks-520-byte-sectors",
      is: .refusal("ambiguous", naming: ["S46012AB0000K712ABCD", "S46012AB0000K712ABCE"])),
    Recorded(
      "sas-2-disks-520-byte-sectors", .serial("S46012AB0000K712ABCD"),
      is: .refusal("unusableGeometry", naming: ["520", "sg_format"])),
    Recorded("unreadable-disk", is: .refusal("foreignContent", naming: ["Input/output error", "S3Z1NB0K123456A"])),
    Recorded("virtio-node-name-only", is: .refusal("noneEligible", naming: ["node:vda", "stable name"])),
    // Several disks.
    Recorded(
      "sata-ssd-beside-two-blank-4tb", is: .plan(disk: samsung, system: 95388, pool: 361_496, chunk: 64, metadata: 356)),
    Recorded(
      "sata-ssd-beside-zfs-mirror", is: .plan(disk: samsung, system: 95388, pool: 361_496, chunk: 64, metadata: 356)),
    Recorded("nvme-beside-sata-ssd", is: .plan(disk: nvme, system: 190_773, pool: 723_964, chunk: 64, metadata: 708)),
    Recorded("two-equal-sata-ssds", is: .refusal("ambiguous", naming: ["S3Z1NB0K123456A", "S3Z1NB0K123457B"])),
    Recorded(
      "two-equal-sata-ssds", .serial("S3Z1NB0K123456A"),
      is: .plan(disk: samsung, system: 95388, pool: 361_496, chunk: 64, metadata: 356)),
    Recorded("two-equal-nvmes", is: .refusal("ambiguous", naming: ["S4EWNX0R412345X", "S4EWNX0R412346Y"])),
    Recorded(
      "two-equal-nvmes", .id("nvme-eui.0025385b1142a1c3"),
      is: .plan(disk: nvme, system: 190_773, pool: 723_964, chunk: 64, metadata: 708)),
    Recorded("two-equal-nvmes", .id("nvme-gone"), is: .refusal("notFound", naming: ["nvme-gone", "S4EWNX0R412345X"])),
    Recorded(
      "vmd-hides-nvme-sata-visible", is: .plan(disk: samsung, system: 95388, pool: 361_496, chunk: 64, metadata: 356)),
    // What can be unplugged.
    Recorded("sd-card-only", is: .refusal("noneEligible", naming: ["memory card"])),
    Recorded(
      "sd-card-only", .id("mmc-SC64G_0x88a1b2c3"),
      is: .plan(disk: "mmc-SC64G_0x88a1b2c3", system: 20480, pool: 37424, chunk: 64, metadata: 40)),
    Recorded("usb-stick-only", is: .refusal("noneEligible", naming: ["USB", "4C530001230405117093"])),
    Recorded(
      "usb-stick-only", .serial("4C530001230405117093"),
      is: .refusal("foreignContent", naming: ["UBUNTU", "4C530001230405117093"])),
    Recorded(
      "booted-from-usb-stick-beside-nvme",
      is: .plan(disk: nvme, system: 190_773, pool: 723_964, chunk: 64, metadata: 708)),
    Recorded(
      "booted-from-usb-stick-beside-nvme", .serial("4C530001230405117093"), wipe: ["4C530001230405117093"],
      is: .refusal("forbidden", naming: ["started from it"])),
    Recorded(
      "usb-lacie-two-equal-disks-beside-ssd",
      is: .plan(disk: "ata-APPLE_SSD_SM0512F_S1K5NYAF612345", system: 95420, pool: 361_616, chunk: 64, metadata: 356)),
    Recorded(
      "usb-lacie-two-equal-disks-beside-ssd", .serial("00000000B0C6A5F1"),
      is: .refusal("nameNotUnique", naming: ["0:0", "0:1", "stable name"])),
    Recorded("usb-lacie-only-with-mac-files", is: .refusal("noneEligible", naming: ["USB"])),
    // The enclosure gives both disks one serial number: consent for it names neither.
    Recorded(
      "usb-lacie-only-with-mac-files", .id("usb-LaCie_2big_Dock_00000000B0C6A5F1-0:0"), wipe: ["00000000B0C6A5F1"],
      is: .refusal("foreignContent", naming: ["hfsplus"])),
    Recorded(
      "usb-lacie-only-with-mac-files", .id("usb-LaCie_2big_Dock_00000000B0C6A5F1-0:0"),
      wipe: ["usb-LaCie_2big_Dock_00000000B0C6A5F1-0:0"],
      is: .plan(
        disk: "usb-LaCie_2big_Dock_00000000B0C6A5F1-0:0", system: 1_526_177, pool: 5_798_496, chunk: 256, metadata: 1416
      )),
    Recorded("read-only-disk", is: .refusal("noneEligible", naming: ["read-only"])),
    Recorded("read-only-disk", .id(samsung), is: .refusal("forbidden", naming: ["read-only"])),
    // Somebody else's content.
    Recorded("foreign-ntfs-windows", is: .refusal("foreignContent", naming: ["ntfs “Windows”", "S3Z1NB0K123456A"])),
    Recorded(
      "foreign-ntfs-windows", wipe: ["S3Z1NB0K123456A"],
      is: .plan(disk: samsung, system: 95388, pool: 361_496, chunk: 64, metadata: 356)),
    Recorded(
      "foreign-ntfs-windows", wipe: ["S3Z1NB0K123457B"], is: .refusal("foreignContent", naming: ["S3Z1NB0K123456A"])),
    Recorded("foreign-bitlocker", is: .refusal("foreignContent", naming: ["BitLocker"])),
    Recorded("foreign-lvm-proxmox", is: .refusal("foreignContent", naming: ["volume group “pve”"])),
    Recorded("foreign-zfs-single-nvme", is: .refusal("foreignContent", naming: ["ZFS pool “rpool”"])),
    Recorded("foreign-zfs-whole-disk-label", is: .refusal("foreignContent", naming: ["whole disk", "tank"])),
    Recorded("foreign-luks", is: .refusal("foreignContent", naming: ["LUKS"])),
    Recorded("foreign-mdraid-pair", is: .refusal("ambiguous", naming: ["WD-WX12D3456781"])),
    Recorded(
      "foreign-mdraid-pair", .serial("WD-WX12D3456782"), is: .refusal("foreignContent", naming: ["Linux RAID “nas:0”"])),
    Recorded("foreign-intel-raid-member", is: .refusal("foreignContent", naming: ["firmware RAID"])),
    Recorded("foreign-btrfs-whole-disk", is: .refusal("foreignContent", naming: ["btrfs “pool”"])),
    Recorded("foreign-empty-gpt", is: .refusal("foreignContent", naming: ["empty gpt"])),
    Recorded("foreign-bootstead-other-machine", is: .refusal("otherMachinesDisk", naming: ["node7", "machine wipe"])),
    Recorded("disk-in-use", wipe: ["S3Z1NB0K123456A"], is: .refusal("inUse", naming: ["dm-0 (vg-root)"])),
    Recorded(
      "group-data-on-second-disk",
      is: .refusal("otherMachinesDisk", naming: ["WD-WX12D3456781", "“data”", "“old”"])),
    Recorded(
      "windows-ssd-beside-blank-hdd",
      is: .plan(disk: "ata-ST2000DM008-2FR102_ZFL1A2B3", system: 381_545, pool: 1_448_896, chunk: 64, metadata: 1416)),
  ]

  @Test("A recorded machine gets the expected plan or refusal", arguments: table)
  func recorded(_ recorded: Recorded) throws {
    let inventory = try RecordedInventory.read(recorded.inventory)
    let result = Result<LayoutPlan, LayoutRefusal> { () throws(LayoutRefusal) in
      try LayoutPlanner.plan(inventory: inventory, spec: recorded.spec, consent: recorded.consent, identity: .node1)
    }
    switch (result, recorded.expected) {
    case (.success(let plan), .plan(let disk, let system, let pool, let chunk, let metadata)):
      #expect(plan.disk.id == disk)
      #expect(plan.partition(.system)?.size == system << 20)
      #expect(plan.pool.size == pool << 20)
      #expect(plan.pool.chunkSize == chunk << 10)
      #expect(plan.pool.metadataSize == metadata << 20)
      PlanRules.check(plan)
    case (.failure(let refusal), .refusal(let name, let words)):
      #expect(PlanRules.caseName(refusal) == name)
      for word in words { #expect("\(refusal)".contains(word), "\(refusal)") }
    case (.success(let plan), .refusal(let name, _)):
      Issue.record("planned \(plan.disk.id) instead of refusing with \(name)")
    case (.failure(let refusal), .plan):
      Issue.record("refused: \(refusal)")
    }
  }

  @Test("Every recorded inventory is in the table, and no other")
  func complete() throws {
    #expect(try Set(RecordedInventory.names()) == Set(Self.table.map(\.inventory)))
  }

  @Test("A disk that was consented lists what is destroyed, a blank one nothing")
  func destroyed() throws {
    let windows = try LayoutPlanner.plan(
      inventory: RecordedInventory.read("foreign-ntfs-windows"), spec: LayoutSpec(),
      consent: Consent(wipe: ["S3Z1NB0K123456A"]), identity: .node1)
    #expect(windows.situation == .consented)
    #expect(windows.destroys.count == 4)
    let blank = try LayoutPlanner.plan(
      inventory: RecordedInventory.read("nvme-1tb-blank"), spec: LayoutSpec(), identity: .node1)
    #expect(blank.situation == .blank && blank.destroys.isEmpty)
  }

  @Test(
    "A small disk, a disk without serial number and large sectors are noted",
    arguments: [
      ("emmc-16gb", "smaller than 32 GiB"), ("virtio-without-serial", "no serial number"),
      ("nvme-500gb-4096-sectors", "UEFI only"), ("windows-ssd-beside-blank-hdd", "left alone"),
    ])
  func notes(_ inventory: String, _ words: String) throws {
    let plan = try LayoutPlanner.plan(
      inventory: RecordedInventory.read(inventory), spec: LayoutSpec(), identity: .node1)
    #expect(plan.notes.contains { $0.contains(words) }, "\(plan.notes)")
  }
}
