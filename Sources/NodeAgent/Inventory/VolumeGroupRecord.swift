public import DiskLayout

/// A volume group as its metadata describes it.
public struct VolumeGroupRecord: Sendable, Hashable {
  public var name: String
  public var uuid: String
  public var tags: [String]
  public var volumes: [LogicalVolumeRecord]
  /// UUIDs of the physical volumes that the group consists of.
  public var physicalVolumes: [String]
  /// Bytes; 0 where the metadata does not say.
  public var extentSize: UInt64

  public init(
    name: String, uuid: String, tags: [String] = [], volumes: [LogicalVolumeRecord] = [],
    physicalVolumes: [String] = [], extentSize: UInt64 = 0
  ) {
    self.name = name
    self.uuid = uuid
    self.tags = tags
    self.volumes = volumes
    self.physicalVolumes = physicalVolumes
    self.extentSize = extentSize
  }

  /// What an inventory says of it.
  public var found: FoundVolumeGroup {
    FoundVolumeGroup(
      name: name, uuid: uuid, tags: tags, logicalVolumes: volumes.filter(\.isVisible).map(\.name))
  }
}

/// A logical volume as the metadata of its group describes it.
public struct LogicalVolumeRecord: Sendable, Hashable {
  public var name: String
  /// Of its last segment: `thin`, `thin-pool`, `striped`…
  public var segmentType: String
  /// For a thin volume: the name of its pool.
  public var pool: String?
  public var tags: [String]
  /// False for the parts of which LVM makes other volumes, as `pool_tdata`.
  public var isVisible: Bool
  /// In LVM's own form.
  public var uuid: String
  /// Of all segments together, in the group's extents.
  public var extents: UInt64
  /// For a thin volume: its number in the pool's metadata.
  public var deviceNumber: UInt64?
  /// For a thin pool: bytes.
  public var chunkSize: UInt64?
  /// For a thin pool: the name of the volume that holds its metadata.
  public var metadataVolume: String?
  /// For a thin pool: the name of the volume that holds its data.
  public var dataVolume: String?

  public init(
    name: String, segmentType: String = "", pool: String? = nil, tags: [String] = [], isVisible: Bool = false,
    uuid: String = "", extents: UInt64 = 0
  ) {
    self.name = name
    self.uuid = uuid
    self.extents = extents
    self.segmentType = segmentType
    self.pool = pool
    self.tags = tags
    self.isVisible = isVisible
  }
}
