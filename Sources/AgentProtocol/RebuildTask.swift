/// What a rebuild has to find on the machine before it writes anything, and what it may do besides.
public struct RebuildTask: Hashable, Sendable, Codable {
  /// The data group that is taken over, in LVM's own form; nil where there is none to keep, or where the operator gave
  /// the data up.
  public var volumeGroupUUID: String?
  /// The tags that the group has to carry.
  public var tags: [String]
  /// The disks as the last install left them, after the operator's replacements.
  public var disks: [InstalledDisk]
  public var fingerprint: FingerprintDepth
  /// A damaged pool may be repaired, after its metadata was saved.
  public var mayRepairPool: Bool

  public init(
    volumeGroupUUID: String?, tags: [String] = [], disks: [InstalledDisk], fingerprint: FingerprintDepth = .sampled,
    mayRepairPool: Bool = false
  ) {
    self.volumeGroupUUID = volumeGroupUUID
    self.tags = tags
    self.disks = disks
    self.fingerprint = fingerprint
    self.mayRepairPool = mayRepairPool
  }
}

/// How much of a data volume is read for its fingerprint.
public enum FingerprintDepth: String, Hashable, Sendable, Codable {
  /// Both ends of the volume and pieces between them, whose places follow from the volume's size: seconds.
  case sampled
  /// Every byte.
  case full
}

/// What a volume held, told by a hash over what was read of it.
public struct VolumeFingerprint: Hashable, Sendable, Codable {
  /// The logical volume's name.
  public var name: String
  /// LVM's own form, with hyphens.
  public var uuid: String
  /// Bytes.
  public var size: UInt64
  public var depth: FingerprintDepth
  /// SHA-256 in lower-case hexadecimal digits.
  public var digest: String

  public init(name: String, uuid: String, size: UInt64, depth: FingerprintDepth, digest: String) {
    self.name = name
    self.uuid = uuid
    self.size = size
    self.depth = depth
    self.digest = digest
  }
}

/// What the appliance keeps of a machine's disks before a rebuild writes to them. The agent sends it and waits for the
/// answer before the first write.
public struct SavedDiskState: Hashable, Sendable, Codable {
  /// The identifier of the ``InstallTask``.
  public var task: String
  /// What `sfdisk --dump` prints, by the disk's stable name.
  public var partitionTables: [String: String]
  /// What `vgcfgbackup` writes, by the name of the group.
  public var volumeGroups: [String: String]
  /// The data volumes before anything was written.
  public var fingerprints: [VolumeFingerprint]

  public init(
    task: String, partitionTables: [String: String], volumeGroups: [String: String],
    fingerprints: [VolumeFingerprint] = []
  ) {
    self.task = task
    self.partitionTables = partitionTables
    self.volumeGroups = volumeGroups
    self.fingerprints = fingerprints
  }
}
