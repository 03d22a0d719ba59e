/// How a machine's disk, or its two disks, will be laid out: everything that the installer does to it, and the node's configuration declares of it.
/// All positions and sizes are bytes.
public struct LayoutPlan: Codable, Sendable, Hashable {
  public var layout: String
  public var identity: LayoutIdentity
  public var disk: PlannedDisk
  public var situation: DiskSituation
  /// GPT disk GUID, lower case.
  public var tableUUID: String
  /// Those of the system disk.
  public var partitions: [PlannedPartition]
  /// The disk with the data, where it is another one than the system's.
  public var dataDisk: PlannedDataDisk?
  public var volumeGroup: PlannedVolumeGroup
  public var pool: PlannedPool
  public var volumes: [PlannedVolume]
  /// In the order in which they are mounted.
  public var fileSystems: [PlannedFileSystem]
  /// What the operator should know about the choices made.
  public var notes: [String]
  /// What is lost, for people; empty on a blank disk.
  public var destroys: [String]

  public func partition(_ role: PartitionRole) -> PlannedPartition? {
    partitions.first { $0.role == role } ?? (dataDisk?.partition.role == role ? dataDisk?.partition : nil)
  }

  /// The partition tables of the plan, the system disk's first.
  public var tables: [PlannedTable] {
    let system = PlannedTable(disk: disk, situation: situation, uuid: tableUUID, partitions: partitions)
    guard let dataDisk else { return [system] }
    return [
      system,
      PlannedTable(
        disk: dataDisk.disk, situation: dataDisk.situation, uuid: dataDisk.tableUUID, partitions: [dataDisk.partition]),
    ]
  }

  /// The table that holds a partition.
  public func table(of role: PartitionRole) -> PlannedTable? {
    tables.first { table in table.partitions.contains { $0.role == role } }
  }

  /// Bytes.
  public func size(of fileSystem: PlannedFileSystem) -> UInt64? {
    switch fileSystem.device {
    case .partition(let role): partition(role)?.size
    case .volume(let name): volumes.first { $0.name == name }?.size
    }
  }

  /// The path by which the installed node finds the file system's device.
  public func stablePath(of fileSystem: PlannedFileSystem) -> String {
    switch fileSystem.device {
    case .partition(let role): "/dev/disk/by-partuuid/" + (partition(role)?.uuid ?? "")
    case .volume(let name): "/dev/\(volumeGroup.name)/\(name)"
    }
  }
}

/// A disk that carries the data volume group alone.
public struct PlannedDataDisk: Codable, Sendable, Hashable {
  public var disk: PlannedDisk
  public var situation: DiskSituation
  /// GPT disk GUID, lower case.
  public var tableUUID: String
  public var partition: PlannedPartition
}

/// One disk of a plan with its partitions.
public struct PlannedTable: Sendable, Hashable {
  public var disk: PlannedDisk
  public var situation: DiskSituation
  /// GPT disk GUID, lower case.
  public var uuid: String
  public var partitions: [PlannedPartition]
}

/// What the planner found on the disk that it plans for.
public enum DiskSituation: String, Codable, Sendable, Hashable {
  /// Nothing was on it.
  case blank
  /// Foreign content, which the operator allowed to destroy.
  case consented
  /// This machine's own partitions: an install that was cut off, or a rebuild. The data volume group is taken over
  /// where it exists.
  case own
}

/// The disk that a plan is for, as it was when the plan was made.
public struct PlannedDisk: Codable, Sendable, Hashable {
  public var id: String
  public var serial: String?
  public var size: UInt64
  public var logicalSectorSize: UInt64
  /// `DiskContents.digest` at planning time.
  public var contentsDigest: String
  public var summary: String
  /// The stable name under which the disk was laid out first, where it has another one now.
  public var layoutName: String?

  /// The path that names the disk in every boot, or, where it has none, the one of this boot.
  public var devicePath: String {
    if id.hasPrefix("path:") { return "/dev/disk/by-path/" + id.dropFirst(5) }
    if id.hasPrefix("node:") { return "/dev/" + id.dropFirst(5) }
    return "/dev/disk/by-id/" + id
  }

  /// The name for the record: a rebuild recognises the disk by it.
  public var recordedName: String { layoutName ?? id }

  init(_ disk: Disk, layoutName: String) {
    id = disk.id
    serial = disk.serial
    size = disk.size
    logicalSectorSize = disk.logicalSectorSize
    contentsDigest = disk.contents.digest
    summary = disk.summary
    self.layoutName = layoutName == disk.id ? nil : layoutName
  }
}

public enum PartitionRole: String, Codable, Sendable, Hashable, CaseIterable {
  case bios, esp, system, data

  public var partitionName: String { "bootstead-" + rawValue }

  /// GPT type GUID, lower case (UEFI 2.10 table 5.7; GRUB manual, BIOS installation; Discoverable Partitions
  /// Specification for Linux LVM and generic data).
  public var typeGUID: String {
    switch self {
    case .bios: "21686148-6449-6e6f-744e-656564454649"
    case .esp: "c12a7328-f81f-11d2-ba4b-00a0c93ec93b"
    case .system: "0fc63daf-8483-4772-8e79-3d69d8477de4"
    case .data: "e6d6d379-f507-44c2-a23c-238f2a3df928"
    }
  }
}

public struct PlannedPartition: Codable, Sendable, Hashable {
  public var number: Int
  public var role: PartitionRole
  public var start: UInt64
  public var size: UInt64
  public var typeGUID: String
  public var name: String
  public var uuid: String

  /// The first byte behind the partition.
  public var end: UInt64 { start + size }
}

public struct PlannedVolumeGroup: Codable, Sendable, Hashable {
  public var name: String
  public var tags: [String]
  /// In LVM's own form, 6-4-4-4-4-4-6 characters.
  public var physicalVolumeUUID: String
  public var extentSize: UInt64
  public var extents: UInt64
  /// The UUID of the group that is already on the disk and is taken over.
  public var kept: String?

  public static let tag = "bootstead"
  public static func machineTag(_ name: String) -> String { "bootstead.machine=" + name }
}

public struct PlannedPool: Codable, Sendable, Hashable {
  public var name: String
  public var size: UInt64
  /// LVM sets aside a spare of the same size by itself.
  public var metadataSize: UInt64
  public var chunkSize: UInt64
  /// Percent of use at which the node grows the pool.
  public var autoextendThreshold: Int
  /// By how many percent it grows.
  public var autoextendPercent: Int
  /// Left free in the volume group once the pool, its metadata and the spare are made.
  public var freeInGroup: UInt64
}

public struct PlannedVolume: Codable, Sendable, Hashable {
  public var name: String
  public var size: UInt64
  public var placementClass: String?
}

public struct PlannedFileSystem: Codable, Sendable, Hashable {
  public var device: FileSystemDevice
  public var type: FileSystemType
  public var label: String
  /// As libblkid prints it: lower case, or `ABCD-1234` for vfat.
  public var uuid: String
  public var mountPoint: String
  public var options: [String]
}

public enum FileSystemDevice: Codable, Sendable, Hashable {
  case partition(PartitionRole)
  case volume(String)
}
