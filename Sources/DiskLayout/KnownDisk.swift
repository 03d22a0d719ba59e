/// A disk as the last install left it: by it the planner recognises a disk whose stable name has changed, because it
/// hangs on another controller or another board.
public struct KnownDisk: Codable, Sendable, Hashable {
  /// The stable name when it was laid out.
  public var name: String
  public var serial: String?
  /// GPT disk GUID.
  public var tableUUID: String?

  public init(name: String, serial: String? = nil, tableUUID: String? = nil) {
    self.name = name
    self.serial = serial
    self.tableUUID = tableUUID
  }
}

/// Tells a machine's own disks from others.
struct OwnDisks {
  let identity: LayoutIdentity
  let known: [KnownDisk]

  /// The identifiers under which the disk was laid out for this machine, or those that it would get now.
  func identifiers(of disk: Disk, for purpose: Identifiers.Purpose) -> Identifiers {
    let present = Identifiers(identity, disk.id, for: purpose)
    guard let table = disk.contents.table?.uuid, table != present.table else { return present }
    // The table's identifier holds the machine's and the disk's name: only a disk of this machine has one that fits.
    let names = disk.aliases + known.filter { $0.serial == nil || $0.serial == disk.serial }.map(\.name)
    return names.lazy.map { Identifiers(identity, $0, for: purpose) }.first { $0.table == table } ?? present
  }

  func isOwn(_ disk: Disk, for purpose: Identifiers.Purpose) -> Bool {
    disk.contents.table?.uuid == identifiers(of: disk, for: purpose).table
  }
}
