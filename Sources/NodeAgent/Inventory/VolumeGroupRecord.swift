public import DiskLayout

/// A volume group as its metadata describes it.
public struct VolumeGroupRecord: Sendable, Hashable {
  public var name: String
  public var uuid: String
  public var tags: [String]
  public var volumes: [LogicalVolumeRecord]

  public init(name: String, uuid: String, tags: [String] = [], volumes: [LogicalVolumeRecord] = []) {
    self.name = name
    self.uuid = uuid
    self.tags = tags
    self.volumes = volumes
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

  public init(
    name: String, segmentType: String = "", pool: String? = nil, tags: [String] = [], isVisible: Bool = false
  ) {
    self.name = name
    self.segmentType = segmentType
    self.pool = pool
    self.tags = tags
    self.isVisible = isVisible
  }
}
