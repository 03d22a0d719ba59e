import AgentProtocol
import DiskLayout
import Foundation
import NetworkAddress
import NodeAgent
import Testing

@Suite("Reading the inventory")
struct InventoryReaderTests {
  /// A desktop board with NVMe, SATA and a USB enclosure with two disks, after sysfs of Linux 6.1.
  static let desktop = """
    sys/block/nvme0n1 -> ../devices/pci0000:00/0000:00:1b.0/0000:01:00.0/nvme/nvme0/nvme0n1
    sys/devices/pci0000:00/0000:00:1b.0/0000:01:00.0/nvme/nvme0/nvme0n1/size = 1953525168
    sys/devices/pci0000:00/0000:00:1b.0/0000:01:00.0/nvme/nvme0/nvme0n1/dev = 259:0
    sys/devices/pci0000:00/0000:00:1b.0/0000:01:00.0/nvme/nvme0/nvme0n1/ro = 0
    sys/devices/pci0000:00/0000:00:1b.0/0000:01:00.0/nvme/nvme0/nvme0n1/removable = 0
    sys/devices/pci0000:00/0000:00:1b.0/0000:01:00.0/nvme/nvme0/nvme0n1/wwid = eui.0025385b1142a1c3
    sys/devices/pci0000:00/0000:00:1b.0/0000:01:00.0/nvme/nvme0/nvme0n1/queue/logical_block_size = 512
    sys/devices/pci0000:00/0000:00:1b.0/0000:01:00.0/nvme/nvme0/nvme0n1/queue/physical_block_size = 512
    sys/devices/pci0000:00/0000:00:1b.0/0000:01:00.0/nvme/nvme0/nvme0n1/queue/rotational = 0
    sys/devices/pci0000:00/0000:00:1b.0/0000:01:00.0/nvme/nvme0/nvme0n1/device/model = Samsung SSD 970 EVO Plus 1TB            
    sys/devices/pci0000:00/0000:00:1b.0/0000:01:00.0/nvme/nvme0/nvme0n1/device/serial = S4EWNX0R412345X     
    sys/devices/pci0000:00/0000:00:1b.0/0000:01:00.0/nvme/nvme0/nvme0n1/nvme0n1p1/partition = 1
    sys/devices/pci0000:00/0000:00:1b.0/0000:01:00.0/nvme/nvme0/nvme0n1/nvme0n1p1/start = 2048
    sys/devices/pci0000:00/0000:00:1b.0/0000:01:00.0/nvme/nvme0/nvme0n1/nvme0n1p1/size = 4096
    sys/devices/pci0000:00/0000:00:1b.0/0000:01:00.0/nvme/nvme0/nvme0n1/nvme0n1p1/holders/dm-0/
    sys/block/dm-0/dm/name = vg0-root
    sys/block/sda -> ../devices/pci0000:00/0000:00:17.0/ata1/host0/target0:0:0/0:0:0:0/block/sda
    sys/devices/pci0000:00/0000:00:17.0/ata1/host0/target0:0:0/0:0:0:0/block/sda/size = 976773168
    sys/devices/pci0000:00/0000:00:17.0/ata1/host0/target0:0:0/0:0:0:0/block/sda/dev = 8:0
    sys/devices/pci0000:00/0000:00:17.0/ata1/host0/target0:0:0/0:0:0:0/block/sda/queue/rotational = 1
    sys/devices/pci0000:00/0000:00:17.0/ata1/host0/target0:0:0/0:0:0:0/block/sda/queue/physical_block_size = 4096
    sys/devices/pci0000:00/0000:00:17.0/ata1/host0/target0:0:0/0:0:0:0/block/sda/device/model = WDC WD5000AAKX-0
    sys/devices/pci0000:00/0000:00:17.0/ata1/host0/target0:0:0/0:0:0:0/block/sda/sda1/partition = 1
    sys/block/sdb -> ../devices/pci0000:00/0000:00:14.0/usb2/2-3/2-3:1.0/host4/target4:0:0/4:0:0:0/block/sdb
    sys/devices/pci0000:00/0000:00:14.0/usb2/2-3/2-3:1.0/host4/target4:0:0/4:0:0:0/block/sdb/size = 15628053168
    sys/devices/pci0000:00/0000:00:14.0/usb2/2-3/2-3:1.0/host4/target4:0:0/4:0:0:0/block/sdb/ro = 1
    sys/block/mmcblk0 -> ../devices/pci0000:00/0000:00:1e.6/mmc_host/mmc0/mmc0:0001/block/mmcblk0
    sys/devices/pci0000:00/0000:00:1e.6/mmc_host/mmc0/mmc0:0001/block/mmcblk0/size = 122142720
    sys/devices/pci0000:00/0000:00:1e.6/mmc_host/mmc0/mmc0:0001/block/mmcblk0/device/type = MMC
    sys/devices/pci0000:00/0000:00:1e.6/mmc_host/mmc0/mmc0:0001/block/mmcblk0/device/name = DA4064
    sys/devices/pci0000:00/0000:00:1e.6/mmc_host/mmc0/mmc0:0001/block/mmcblk0/device/serial = 0x1b2c3d4e
    sys/block/mmcblk0boot0 -> ../devices/pci0000:00/0000:00:1e.6/mmc_host/mmc0/mmc0:0001/block/mmcblk0/mmcblk0boot0
    sys/devices/pci0000:00/0000:00:1e.6/mmc_host/mmc0/mmc0:0001/block/mmcblk0/mmcblk0boot0/size = 8192
    sys/block/mmcblk1 -> ../devices/pci0000:00/0000:00:1e.7/mmc_host/mmc1/mmc1:aaaa/block/mmcblk1
    sys/devices/pci0000:00/0000:00:1e.7/mmc_host/mmc1/mmc1:aaaa/block/mmcblk1/size = 124735488
    sys/devices/pci0000:00/0000:00:1e.7/mmc_host/mmc1/mmc1:aaaa/block/mmcblk1/device/type = SD
    sys/block/loop0/size = 100
    sys/block/sr0/size = 2097151
    sys/block/zram0/size = 2097152
    dev/disk/by-id/nvme-eui.0025385b1142a1c3 -> ../../nvme0n1
    dev/disk/by-id/nvme-Samsung_SSD_970_EVO_Plus_1TB_S4EWNX0R412345X_1 -> ../../nvme0n1
    dev/disk/by-id/nvme-Samsung_SSD_970_EVO_Plus_1TB_S4EWNX0R412345X -> ../../nvme0n1
    dev/disk/by-id/nvme-Samsung_SSD_970_EVO_Plus_1TB_S4EWNX0R412345X-part1 -> ../../nvme0n1p1
    dev/disk/by-id/lvm-pv-uuid-abc -> ../../nvme0n1
    dev/disk/by-id/wwn-0x50014ee2b1234567 -> ../../sda
    dev/disk/by-id/ata-WDC_WD5000AAKX-001CA0_WD-WCAYUA123456 -> ../../sda
    dev/disk/by-path/pci-0000:00:14.0-usb-0:3:1.0-scsi-0:0:0:0 -> ../../sdb
    run/udev/data/b8:0 = S:disk/by-id/x\\nE:ID_SERIAL_SHORT=WD-WCAYUA123456\\nE:ID_WWN=0x50014ee2b1234567
    proc/self/mounts = /dev/sda1 /mnt/my\\040data ext4 rw 0 0\\nproc /proc proc rw 0 0
    proc/swaps = Filename Type Size Used Priority\\n/dev/nvme0n1p1\\tpartition\\t100\\t0\\t-2
    sys/bus/pci/devices/0000:00:17.0/class = 0x010400
    sys/bus/pci/devices/0000:00:17.0/vendor = 0x8086
    sys/bus/pci/devices/0000:00:17.0/device = 0x2822
    sys/bus/pci/devices/0000:00:17.0/driver -> ../../../bus/pci/drivers/ahci
    sys/bus/pci/devices/0000:00:02.0/class = 0x030000
    """

  @Test("Disks are found with their stable names, buses, numbers and what uses them")
  func disks() throws {
    let tree = try RecordedTree(Self.desktop)
    let inventory = InventoryReader(root: tree.root.path).disks()
    #expect(inventory.disks.map(\.node) == ["/dev/mmcblk0", "/dev/mmcblk1", "/dev/nvme0n1", "/dev/sda", "/dev/sdb"])
    try #require(inventory.disks.count == 5)
    let (emmc, card, nvme, sata, usb) = (
      inventory.disks[0], inventory.disks[1], inventory.disks[2], inventory.disks[3], inventory.disks[4]
    )
    #expect(nvme.id == "nvme-Samsung_SSD_970_EVO_Plus_1TB_S4EWNX0R412345X")
    #expect(
      nvme.aliases == [
        "nvme-Samsung_SSD_970_EVO_Plus_1TB_S4EWNX0R412345X_1", "nvme-eui.0025385b1142a1c3",
      ])
    #expect(nvme.size == 1_000_204_886_016 && nvme.bus == .nvme && !nvme.isRotational)
    #expect(nvme.model == "Samsung SSD 970 EVO Plus 1TB" && nvme.serial == "S4EWNX0R412345X")
    #expect(nvme.wwid == "eui.0025385b1142a1c3")
    #expect(nvme.users == ["dm-0 (vg0-root)", "swap on /dev/nvme0n1p1"])

    #expect(sata.id == "ata-WDC_WD5000AAKX-001CA0_WD-WCAYUA123456" && sata.aliases == ["wwn-0x50014ee2b1234567"])
    #expect(sata.bus == .sata && sata.isRotational && sata.physicalSectorSize == 4096)
    #expect(sata.serial == "WD-WCAYUA123456")
    #expect(sata.users == ["mount at /mnt/my data"])

    #expect(usb.bus == .usb && usb.isReadOnly)
    #expect(usb.id == "path:pci-0000:00:14.0-usb-0:3:1.0-scsi-0:0:0:0")
    #expect(usb.stablePath == "/dev/disk/by-path/pci-0000:00:14.0-usb-0:3:1.0-scsi-0:0:0:0")
    #expect(emmc.bus == .emmc && !emmc.isRemovable && emmc.model == "DA4064" && emmc.serial == "0x1b2c3d4e")
    #expect(card.bus == .sdCard && card.isRemovable && card.id == "node:mmcblk1" && card.stablePath == nil)
    // The nodes of this tree cannot be opened: that must never pass for a blank disk.
    #expect(inventory.disks.allSatisfy { $0.contents.unreadable != nil && !$0.contents.isBlank })
    #expect(
      inventory.controllers == [
        StorageController(address: "0000:00:17.0", device: "8086:2822", classCode: "010400", driver: "ahci")
      ])
    #expect(inventory.controllers[0].mayHideDisks)
    #expect(InventoryReader(root: tree.root.path).disks(withID: nvme.id) == [nvme])
    #expect(InventoryReader(root: tree.root.path).disks(withID: nvme.aliases[0]).isEmpty)
  }

  @Test("Partition nodes carry the kernel's own numbers")
  func partitionNodes() throws {
    let tree = try RecordedTree(Self.desktop)
    let reader = InventoryReader(root: tree.root.path)
    let nvme = try #require(reader.disks().disks.first { $0.bus == .nvme })
    #expect(
      reader.partitionNodes(of: nvme) == [1: PartitionNode(path: "/dev/nvme0n1p1", start: 1 << 20, size: 2 << 20)])
  }

  static let machine = """
    proc/cpuinfo = processor\\t: 0\\nmodel name\\t: Intel(R) Core(TM) i5-7600K CPU @ 3.80GHz\\nphysical id\\t: 0\\ncore id\\t\\t: 0\\n\\nprocessor\\t: 1\\nmodel name\\t: Intel(R) Core(TM) i5-7600K CPU @ 3.80GHz\\nphysical id\\t: 0\\ncore id\\t\\t: 1
    proc/meminfo = MemTotal:       32826180 kB\\nMemFree:        1000 kB
    sys/class/dmi/id/sys_vendor = Gigabyte Technology Co., Ltd.
    sys/class/dmi/id/product_name = To be filled by O.E.M.
    sys/class/dmi/id/product_serial = Default string
    sys/class/dmi/id/product_uuid = 032e02b4-0499-0578-c806-3f0700080009
    sys/class/dmi/id/board_name = B250M-D2V-CF
    sys/class/dmi/id/bios_vendor = American Megatrends Inc.
    sys/class/tpm/tpm0/tpm_version_major = 2
    sys/firmware/efi/fw_platform_size = 64
    sys/class/net/lo/address = 00:00:00:00:00:00
    sys/class/net/lo/type = 772
    sys/class/net/br0/address = 52:54:00:00:00:01
    sys/class/net/br0/type = 1
    sys/class/net/eno1 -> ../../devices/pci0000:00/0000:00:1f.6/net/eno1
    sys/devices/pci0000:00/0000:00:1f.6/net/eno1/device -> ../..
    sys/devices/pci0000:00/0000:00:1f.6/driver -> ../../../bus/pci/drivers/e1000e
    sys/devices/pci0000:00/0000:00:1f.6/net/eno1/address = 1c:1b:0d:12:34:56
    sys/devices/pci0000:00/0000:00:1f.6/net/eno1/type = 1
    sys/devices/pci0000:00/0000:00:1f.6/net/eno1/carrier = 1
    sys/devices/pci0000:00/0000:00:1f.6/net/eno1/speed = 1000
    sys/class/net/eth1 -> ../../devices/pci0000:00/0000:00:03.0/virtio0/net/eth1
    sys/devices/pci0000:00/0000:00:03.0/virtio0/net/eth1/device -> ../..
    sys/devices/pci0000:00/0000:00:03.0/virtio0/net/eth1/address = 52:54:00:12:34:56
    sys/devices/pci0000:00/0000:00:03.0/virtio0/net/eth1/type = 1
    sys/devices/pci0000:00/0000:00:03.0/virtio0/net/eth1/carrier = 0
    sys/devices/pci0000:00/0000:00:03.0/virtio0/net/eth1/speed = -1
    """

  @Test("Processor, memory, firmware, names and interfaces are read; makers' placeholders are not")
  func machine() throws {
    let tree = try RecordedTree(Self.machine)
    let inventory = InventoryReader(root: tree.root.path).read()
    #expect(inventory.processor.model == "Intel(R) Core(TM) i5-7600K CPU @ 3.80GHz")
    #expect(inventory.processor.threads == 2 && inventory.processor.cores == 2)
    #expect(inventory.memoryBytes == 32_826_180 * 1024)
    #expect(inventory.firmware.kind == .uefi && inventory.firmware.uefiBits == 64)
    #expect(inventory.firmware.secureBoot == .unsupported && inventory.firmware.vendor == "American Megatrends Inc.")
    #expect(inventory.tpmVersion == "2.0" && inventory.hasTPM)
    #expect(
      inventory.product.vendor == "Gigabyte Technology Co., Ltd." && inventory.product.boardName == "B250M-D2V-CF")
    #expect(inventory.product.name == nil && inventory.product.serial == nil)
    #expect(inventory.product.uuid?.description == "032e02b4-0499-0578-c806-3f0700080009")
    #expect(
      try inventory.interfaces == [
        .init(
          name: "eno1", mac: MACAddress("1c:1b:0d:12:34:56"), driver: "e1000e", hasLink: true, speedMegabits: 1000,
          busAddress: "0000:00:1f.6"),
        .init(name: "eth1", mac: MACAddress("52:54:00:12:34:56"), hasLink: false, busAddress: "0000:00:03.0"),
      ])
    let decoded = try JSONDecoder().decode(MachineInventory.self, from: JSONEncoder().encode(inventory))
    #expect(decoded == inventory)
  }

  @Test(
    "Secure Boot is told from its variables",
    arguments: [
      (UInt8?.some(1), UInt8?.some(0), MachineInventory.Firmware.SecureBoot.enabled), (0, 0, .disabled),
      (0, 1, .setupMode),
      (nil, nil, .unsupported),
    ])
  func secureBoot(
    _ secureBoot: UInt8?, _ setupMode: UInt8?, _ expected: MachineInventory.Firmware.SecureBoot
  ) throws {
    let tree = try RecordedTree("sys/firmware/efi/efivars/")
    for (name, value) in [("SecureBoot", secureBoot), ("SetupMode", setupMode)] {
      guard let value else { continue }
      let file = tree.root.appending(path: "sys/firmware/efi/efivars/\(name)-8be4df61-93ca-11d2-aa0d-00e098032b8c")
      try Data([6, 0, 0, 0, value]).write(to: file)
    }
    #expect(InventoryReader(root: tree.root.path).read().firmware.secureBoot == expected)
  }

  @Test("A machine that shows nothing still has an inventory")
  func nothing() throws {
    let tree = try RecordedTree("sys/")
    let inventory = InventoryReader(root: tree.root.path).read()
    #expect(inventory.disks == DiskInventory() && inventory.interfaces.isEmpty && inventory.memoryBytes == 0)
    #expect(inventory.firmware.kind == .bios && !inventory.hasTPM)
  }
}
