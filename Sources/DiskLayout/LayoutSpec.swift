/// What the operator wants on the system disk.
public struct LayoutSpec: Codable, Sendable, Hashable {
  /// The name of the layout; `lvm-thin` is the only one so far.
  public var layout: String
  public var systemDisk: SystemDisk
  /// The disk that carries the data volume group, and nothing else; nil puts it behind the system. Always named.
  public var dataDisk: SystemDisk?
  /// Size of the system partition in bytes, instead of 20 % of the disk.
  public var systemSize: UInt64?
  /// The system partition grows no further than this, in bytes.
  public var systemMaximum: UInt64?
  public var systemFileSystem: FileSystemType
  public var volumeGroup: String
  public var pool: String
  /// How much of the volume group the pool takes, in percent, 1 to 99; free extents for the metadata remain in any case.
  public var poolPercent: Int
  /// Thin pool chunk in bytes, instead of the computed one: a multiple of 64 KiB, up to 1 GiB.
  public var chunkSize: UInt64?
  public var volumes: [VolumeSpec]
  /// Volumes together may promise more than the pool holds.
  public var allowsOvercommit: Bool

  public init(
    layout: String = LayoutSpec.lvmThin, systemDisk: SystemDisk = .automatic, systemSize: UInt64? = nil,
    systemMaximum: UInt64? = nil, systemFileSystem: FileSystemType = .ext4, volumeGroup: String = "data",
    pool: String = "pool", poolPercent: Int = 95, chunkSize: UInt64? = nil, volumes: [VolumeSpec] = [],
    allowsOvercommit: Bool = false, dataDisk: SystemDisk? = nil
  ) {
    self.layout = layout
    self.systemDisk = systemDisk
    self.dataDisk = dataDisk
    self.systemSize = systemSize
    self.systemMaximum = systemMaximum
    self.systemFileSystem = systemFileSystem
    self.volumeGroup = volumeGroup
    self.pool = pool
    self.poolPercent = poolPercent
    self.chunkSize = chunkSize
    self.volumes = volumes
    self.allowsOvercommit = allowsOvercommit
  }

  public static let lvmThin = "lvm-thin"
}

/// Which disk gets the system.
public enum SystemDisk: Codable, Sendable, Hashable, CustomStringConvertible {
  /// The one disk that fits best; two that fit equally well are refused.
  case automatic
  /// By stable name, as in `Disk.id` or `Disk.aliases`.
  case id(String)
  case serial(String)

  public var description: String {
    switch self {
    case .automatic: "any disk"
    case .id(let id): "the disk \(id)"
    case .serial(let serial): "the disk with serial number \(serial)"
    }
  }
}

/// A file system that the installer can make.
public enum FileSystemType: String, Codable, Sendable, Hashable, CaseIterable {
  case ext4, xfs, vfat
}

/// A thin volume that the operator wants.
public struct VolumeSpec: Codable, Sendable, Hashable {
  /// The logical volume's name.
  public var name: String
  public var size: VolumeSize
  /// `ext4` or `xfs`.
  public var fileSystem: FileSystemType
  /// Absolute path on the node.
  public var mountPoint: String
  /// Placement class that stacks ask for, as `fast` or `bulk`.
  public var placementClass: String?

  public init(
    name: String, size: VolumeSize, fileSystem: FileSystemType = .ext4, mountPoint: String,
    placementClass: String? = nil
  ) {
    self.name = name
    self.size = size
    self.fileSystem = fileSystem
    self.mountPoint = mountPoint
    self.placementClass = placementClass
  }
}

/// The size of a thin volume.
public enum VolumeSize: Codable, Sendable, Hashable {
  case bytes(UInt64)
  /// A share of the pool, 1 to 100 percent.
  case poolPercent(Int)
}
