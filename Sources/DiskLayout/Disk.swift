/// A disk as the machine reports it.
public struct Disk: Codable, Sendable, Hashable {
  /// The stable name: that of a link in `/dev/disk/by-id`, or `path:` and that of a link in `/dev/disk/by-path` for a
  /// disk that carries no serial number (a virtio disk by default), or `node:` and the kernel's name where udev made
  /// neither.
  public var id: String
  /// Its other names in `/dev/disk/by-id`.
  public var aliases: [String]
  /// The device node of this boot, as `/dev/nvme0n1`; not stable.
  public var node: String
  /// Size in bytes.
  public var size: UInt64
  /// Bytes.
  public var logicalSectorSize: UInt64
  /// Bytes.
  public var physicalSectorSize: UInt64
  public var isRotational: Bool
  public var isRemovable: Bool
  public var isReadOnly: Bool
  public var bus: DiskBus
  public var model: String?
  public var serial: String?
  /// World wide identifier, as the kernel prints it.
  public var wwid: String?
  public var contents: DiskContents
  /// The machine was started from this disk.
  public var isBootMedium: Bool
  /// What uses the disk or one of its partitions now: device-mapper and RAID devices, mount points, swap.
  public var users: [String]

  public init(
    id: String, aliases: [String] = [], node: String, size: UInt64, logicalSectorSize: UInt64 = 512,
    physicalSectorSize: UInt64 = 512, isRotational: Bool = false, isRemovable: Bool = false, isReadOnly: Bool = false,
    bus: DiskBus, model: String? = nil, serial: String? = nil, wwid: String? = nil,
    contents: DiskContents = DiskContents(), isBootMedium: Bool = false, users: [String] = []
  ) {
    self.id = id
    self.aliases = aliases
    self.node = node
    self.size = size
    self.logicalSectorSize = logicalSectorSize
    self.physicalSectorSize = physicalSectorSize
    self.isRotational = isRotational
    self.isRemovable = isRemovable
    self.isReadOnly = isReadOnly
    self.bus = bus
    self.model = model
    self.serial = serial
    self.wwid = wwid
    self.contents = contents
    self.isBootMedium = isBootMedium
    self.users = users
  }

  /// The link under `/dev/disk` that names the disk in every boot, where it has one.
  public var stablePath: String? {
    if id.hasPrefix("path:") { return "/dev/disk/by-path/" + id.dropFirst(5) }
    if id.hasPrefix("node:") || id.isEmpty { return nil }
    return "/dev/disk/by-id/" + id
  }

  /// How consent names the disk: by serial number, or by its stable name where it has none.
  public var consentName: String { serial ?? id }

  /// `nvme-…  931.5 GiB nvme, Samsung SSD 980, serial S64D…`
  public var summary: String {
    var parts = ["\(id.printable)  \(ByteSize.text(size)) \(bus.rawValue)"]
    if let model { parts.append(model.printable) }
    parts.append(serial.map { "serial \($0.printable)" } ?? "no serial number")
    return parts.joined(separator: ", ")
  }
}
