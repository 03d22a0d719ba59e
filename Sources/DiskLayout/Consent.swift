/// What the operator allowed for this machine. A blank disk needs no consent.
public struct Consent: Codable, Sendable, Hashable {
  /// Serial numbers, or stable names for disks without one, whose foreign content may be destroyed.
  public var wipe: Set<String>
  /// The same, for disks whose data volume group may be lost in a rebuild.
  public var loseData: Set<String>

  public init(wipe: Set<String> = [], loseData: Set<String> = []) {
    self.wipe = wipe
    self.loseData = loseData
  }

  public static let none = Consent()

  func allowsWipe(of disk: Disk, in inventory: DiskInventory) -> Bool { Self.names(wipe, disk, inventory) }

  func allowsLosingData(of disk: Disk, in inventory: DiskInventory) -> Bool { Self.names(loseData, disk, inventory) }

  /// A serial number names a disk only where no second disk reports the same: USB enclosures with two disks give both
  /// the enclosure's number.
  private static func names(_ names: Set<String>, _ disk: Disk, _ inventory: DiskInventory) -> Bool {
    if names.contains(disk.id) || disk.aliases.contains(where: names.contains) { return true }
    guard let serial = disk.serial, names.contains(serial) else { return false }
    return inventory.disks.filter { $0.serial == serial }.count == 1
  }
}
