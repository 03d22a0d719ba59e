import DiskLayout
import Foundation
import Testing

@Suite("A plan as a value")
struct LayoutPlanTests {
  private func plan() throws -> LayoutPlan {
    try LayoutPlanner.plan(
      inventory: RecordedInventory.read("virtio-32gib"),
      spec: LayoutSpec(volumes: [
        VolumeSpec(name: "photos", size: .bytes(5 << 30), mountPoint: "/srv/photos", placementClass: "bulk")
      ]), identity: .node1)
  }

  @Test("The preview draws the disk and says what happens to it")
  func preview() throws {
    #expect(
      try plan().preview(width: 60) == """
        +---+-----------+---------------------+--------------------+
        | b | ESP 1 GiB | system 20 GiB       | data 10.9 GiB      |
        +---+-----------+---------------------+--------------------+
        disk        virtio-LAB0001  32 GiB virtio, serial LAB0001
        partition 1 1 MiB        bootstead-bios: starts GRUB on BIOS machines
        partition 2 1 GiB        bootstead-esp: vfat “BOOTSTEAD” on /boot
        partition 3 20 GiB       bootstead-system: ext4 “bootstead-root” on /
        partition 4 10.9 GiB     bootstead-data: LVM physical volume
        group       data is made new
        pool        pool 10.4 GiB, metadata 16 MiB, chunks of 64 KiB, 532 MiB stay free
        volume      photos 5 GiB: ext4 on /srv/photos, class bulk
        note        virtio-LAB0001 was chosen: it fits best of those that may be used.
        destroys    nothing
        """)
  }

  @Test("A plan survives JSON")
  func codable() throws {
    let plan = try plan()
    #expect(try JSONDecoder().decode(LayoutPlan.self, from: JSONEncoder().encode(plan)) == plan)
  }

  @Test("The node finds its file systems by names that do not change")
  func stablePaths() throws {
    let plan = try plan()
    #expect(plan.fileSystems.map(\.mountPoint) == ["/", "/boot", "/srv/photos"])
    #expect(
      plan.fileSystems.map(plan.stablePath) == [
        "/dev/disk/by-partuuid/" + (plan.partition(.system)?.uuid ?? "-"),
        "/dev/disk/by-partuuid/" + (plan.partition(.esp)?.uuid ?? "-"), "/dev/data/photos",
      ])
  }

  @Test("Identifiers keep their values from release to release: a rebuild recognises its disk by them")
  func identifiersAreFixed() throws {
    let plan = try plan()
    #expect(plan.tableUUID == StableUUID.derive(from: ["bootstead layout 1", "machine-1", "virtio-LAB0001", "table"]))
    #expect(StableUUID.derive(from: ["bootstead", "layout"]) == "159ded78-92b7-8c64-864e-e825ad82263a")
    #expect(plan.volumeGroup.physicalVolumeUUID.split(separator: "-").map(\.count) == [6, 4, 4, 4, 4, 4, 6])
    #expect(plan.fileSystems[1].uuid.wholeMatch(of: /[0-9A-F]{4}-[0-9A-F]{4}/) != nil)
    #expect(plan.tableUUID.wholeMatch(of: /[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}/) != nil)
  }

  @Test(
    "The digest of a disk's contents changes with what is on it",
    arguments: [
      { $0.table?.uuid = "other" },
      { $0.partitions[3].size -= 512 },
      { $0.partitions[2].signatures[0].uuid = "other" },
      { $0.partitions[3].signatures[0].volumeGroup?.uuid = "other" },
      { $0.partitions.removeLast() },
      { $0.signatures.append(Signature(type: "zfs_member")) },
      { $0.unreadable = "read error" },
    ] as [@Sendable (inout DiskContents) -> Void])
  func digest(_ change: @Sendable (inout DiskContents) -> Void) throws {
    let before = try plan().resultingContents()
    var after = before
    change(&after)
    #expect(before.digest != after.digest)
    #expect(before.digest == before.digest)
  }

  @Test(
    "Sizes read in the unit that people know",
    arguments: [
      (0, "0 B"), (1023, "1023 B"), (65536, "64 KiB"), (1 << 30, "1 GiB"), (1_000_204_886_016, "931.5 GiB"),
      (4_000_787_030_016, "3726 GiB"), (22_000_969_973_760, "20 TiB"), (.max, "16777215.9 TiB"),
    ] as [(UInt64, String)])
  func sizes(_ bytes: UInt64, _ text: String) {
    #expect(ByteSize.text(bytes) == text)
  }

  @Test("Labels and names from a disk reach no terminal as they are")
  func printable() {
    let hostile = "\u{1b}[2J\u{7}\u{202e}evil\n" + String(repeating: "x", count: 500)
    let disk = Disk(
      id: hostile, node: "/dev/sda", size: 1 << 30, bus: .usb, model: hostile, serial: hostile,
      contents: DiskContents(
        partitions: [
          FoundPartition(
            number: 1, start: 0, size: .max, type: hostile, name: hostile,
            signatures: [
              Signature(type: hostile, label: hostile),
              Signature(type: "LVM2_member", volumeGroup: FoundVolumeGroup(name: hostile, uuid: hostile)),
            ])
        ], unreadable: hostile))
    let text = disk.summary + disk.contents.findings.joined()
    #expect(text.unicodeScalars.allSatisfy { $0.value >= 32 && $0.value != 127 && $0.value != 0x202e })
    #expect(text.contains("evil") && text.count < 1200)
  }
}
