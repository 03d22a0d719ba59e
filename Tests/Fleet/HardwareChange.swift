import AgentProtocol
import DiskLayout
import Testing

/// A change to a machine, and what is to be told of it.
struct HardwareChange: Sendable, CustomTestStringConvertible {
  var testDescription: String
  var expected: [String]
  var apply: @Sendable (inout MachineInventory) -> Void

  init(_ testDescription: String, _ expected: [String], _ apply: @escaping @Sendable (inout MachineInventory) -> Void) {
    (self.testDescription, self.expected, self.apply) = (testDescription, expected, apply)
  }

  static let all = [
    HardwareChange("nothing", []) { _ in },
    HardwareChange("the same disk on another node, in another boot", []) { $0.disks.disks[0].node = "/dev/sdb" },
    HardwareChange("a few MiB of memory that another kernel keeps", []) { $0.memoryBytes -= 100 << 20 },
    HardwareChange("a stick", []) {
      $0.disks.disks.append(Disk(id: "usb-S", node: "/dev/sdc", size: 8 << 30, isRemovable: true, bus: .usb))
    },
    HardwareChange("a faster link", []) { $0.interfaces[1].speedMegabits = 2500 },
    HardwareChange("a disk is gone", ["disk ata-ONE (serial SN1) is gone"]) { $0.disks.disks.removeFirst() },
    HardwareChange("a disk is new", ["disk nvme-X (serial X), 1024.0 GiB, is new"]) {
      $0.disks.disks.append(Disk(id: "nvme-X", node: "/dev/nvme0n1", size: 1 << 40, bus: .nvme, serial: "X"))
    },
    HardwareChange("another disk in the same place", ["disk ata-ONE has serial SN2, was SN1: it is another disk"]) {
      $0.disks.disks[0].serial = "SN2"
    },
    HardwareChange("a disk of another size", ["disk path:pci-1 has 50.0 GiB, had 100.0 GiB"]) {
      $0.disks.disks[1].size = 50 << 30
    },
    HardwareChange("half of the memory", ["memory is 8.0 GiB, less than 16.0 GiB"]) { $0.memoryBytes = 8 << 30 },
    HardwareChange("more memory", ["memory is 32.0 GiB, more than 16.0 GiB"]) { $0.memoryBytes = 32 << 30 },
    HardwareChange("a card is gone", ["network card 52:54:00:00:00:02 (eth1) is gone"]) {
      $0.interfaces.removeLast()
    },
    HardwareChange("a link is lost", ["network card 52:54:00:00:00:02 has no link any more"]) {
      ($0.interfaces[1].hasLink, $0.interfaces[1].speedMegabits) = (false, nil)
    },
    HardwareChange(
      "a slower link", ["network card 52:54:00:00:00:01 runs at 100 Mbit/s, slower than 2500 Mbit/s"]
    ) { $0.interfaces[0].speedMegabits = 100 },
    HardwareChange("other firmware", ["firmware version is 1.3, was 1.2", "Secure Boot is enabled, was disabled"]) {
      ($0.firmware.version, $0.firmware.secureBoot) = ("1.3", .enabled)
    },
  ]
}
