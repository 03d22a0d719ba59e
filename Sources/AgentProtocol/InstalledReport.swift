/// All is on the disk; the machine reboots after the answer.
public struct InstalledReport: Hashable, Sendable, Codable {
  /// The identifier of the ``InstallTask``.
  public var task: String
  /// The node's own key, made on the machine: its later reports are signed by it.
  public var nodeKey: SigningPublicKey
  /// Secrets for the node are sealed to it.
  public var nodeRecipient: AgeRecipient
  public var disks: [InstalledDisk]
  /// `/nix/store/HASH-nixos-system-…`
  public var closure: String
  /// ``InstallFlake/identity`` of what the machine built it from; nil for a system that was copied.
  public var flake: String?
  /// The data volumes that were kept, before anything was written and at the end.
  public var before: [VolumeFingerprint]?
  public var after: [VolumeFingerprint]?

  public init(
    task: String, nodeKey: SigningPublicKey, nodeRecipient: AgeRecipient, disks: [InstalledDisk], closure: String,
    flake: String? = nil, before: [VolumeFingerprint]? = nil, after: [VolumeFingerprint]? = nil
  ) {
    self.task = task
    self.nodeKey = nodeKey
    self.nodeRecipient = nodeRecipient
    self.disks = disks
    self.closure = closure
    self.flake = flake
    self.before = before
    self.after = after
  }
}

/// By what a rebuild recognises a disk again.
public struct InstalledDisk: Hashable, Sendable, Codable {
  /// The stable name below `/dev/disk/by-id`, or the serial number where there is none.
  public var identifier: String
  public var serial: String?
  /// The GPT's disk identifier.
  public var partitionTableUUID: String?
  public var volumeGroupName: String?
  /// LVM's own form, with hyphens.
  public var volumeGroupUUID: String?

  public init(
    identifier: String, serial: String? = nil, partitionTableUUID: String? = nil, volumeGroupName: String? = nil,
    volumeGroupUUID: String? = nil
  ) {
    self.identifier = identifier
    self.serial = serial
    self.partitionTableUUID = partitionTableUUID
    self.volumeGroupName = volumeGroupName
    self.volumeGroupUUID = volumeGroupUUID
  }
}
