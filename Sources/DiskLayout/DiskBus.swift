/// How a disk is attached.
public enum DiskBus: String, Codable, Sendable, Hashable, CaseIterable {
  case nvme, sata, sas, usb
  /// Soldered flash behind an MMC controller.
  case emmc
  /// A card in a slot, behind an MMC controller.
  case sdCard
  case virtio, scsi, other

  /// True for media that people pull out: never a system disk unless named.
  public var isExternal: Bool { self == .usb || self == .sdCard }
}
