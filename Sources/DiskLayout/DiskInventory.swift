/// All disks of a machine, and what its storage controllers say about disks that it does not show.
public struct DiskInventory: Codable, Sendable, Hashable {
  public var disks: [Disk]
  public var controllers: [StorageController]

  public init(disks: [Disk] = [], controllers: [StorageController] = []) {
    self.disks = disks
    self.controllers = controllers
  }

  /// Controllers that firmware set to RAID: they may hide disks from Linux.
  public var raidControllers: [StorageController] { controllers.filter(\.isRAID) }
}

/// A storage controller on the PCI bus.
public struct StorageController: Codable, Sendable, Hashable {
  /// `0000:00:17.0`
  public var address: String
  /// PCI vendor and device, as `8086:2822`.
  public var device: String
  /// PCI class code with subclass and interface, as `010400`.
  public var classCode: String
  /// The kernel's driver, where one is bound.
  public var driver: String?

  public init(address: String, device: String, classCode: String, driver: String? = nil) {
    self.address = address
    self.device = device
    self.classCode = classCode
    self.driver = driver
  }

  /// PCI class 01, subclass 04: a RAID controller. Intel's RST and VMD report themselves so, and hide the disks
  /// behind them where Linux has no driver for that mode.
  public var isRAID: Bool { classCode.hasPrefix("0104") }

  /// A RAID controller without a driver of its own: with `ahci` bound, Intel's RST still hides NVMe disks that it
  /// remapped (kernel, drivers/ata/ahci.c, "Found %d remapped NVMe devices").
  public var mayHideDisks: Bool { isRAID && (driver == nil || driver == "ahci") }
}
