/// What is on a disk: its partition table, its partitions, and the signatures that libblkid finds.
public struct DiskContents: Codable, Sendable, Hashable {
  /// The partition table, where there is one.
  public var table: PartitionTable?
  /// The partitions in the table's order.
  public var partitions: [FoundPartition]
  /// What lies on the whole disk, outside of any partition.
  public var signatures: [Signature]
  /// Why the disk could not be read; such a disk never counts as blank.
  public var unreadable: String?

  public init(
    table: PartitionTable? = nil, partitions: [FoundPartition] = [], signatures: [Signature] = [],
    unreadable: String? = nil
  ) {
    self.table = table
    self.partitions = partitions
    self.signatures = signatures
    self.unreadable = unreadable
  }

  /// Nothing was ever put on this disk, as far as can be seen.
  public var isBlank: Bool { table == nil && partitions.isEmpty && signatures.isEmpty && unreadable == nil }

  /// What is there, one line each, for people.
  public var findings: [String] {
    var lines: [String] = []
    if let unreadable { lines.append("could not be read: \(unreadable.printable)") }
    lines += signatures.map { "whole disk: \($0)" }
    if let table, partitions.isEmpty { lines.append("an empty \(table.kind.printable) partition table") }
    for partition in partitions {
      let what =
        partition.signatures.isEmpty
        ? "nothing recognised" : partition.signatures.map(\.description).joined(separator: ", ")
      let name = partition.name.map { " “\($0.printable)”" } ?? ""
      lines.append("partition \(partition.number)\(name), \(ByteSize.text(partition.size)): \(what)")
    }
    return lines
  }

  /// A short value that changes when what is on the disk changes. It guards against accidents, not against forgery.
  public var digest: String {
    var parts = [table?.kind ?? "", table?.uuid ?? "", unreadable ?? ""]
    parts += signatures.flatMap(\.identity)
    for partition in partitions {
      parts += ["\(partition.number)", "\(partition.start)", "\(partition.size)", partition.type, partition.uuid ?? ""]
      parts += partition.signatures.flatMap(\.identity)
    }
    return StableUUID.derive(from: parts)
  }
}

/// A partition table.
public struct PartitionTable: Codable, Sendable, Hashable {
  /// As libblkid names it: `gpt`, `dos`, `mac`, `bsd`…
  public var kind: String
  /// The table's own identifier, lower case.
  public var uuid: String?

  public init(kind: String, uuid: String? = nil) {
    self.kind = kind
    self.uuid = uuid
  }
}

/// A partition as found on a disk.
public struct FoundPartition: Codable, Sendable, Hashable {
  public var number: Int
  /// Offset from the start of the disk, in bytes.
  public var start: UInt64
  /// Size in bytes.
  public var size: UInt64
  /// Type GUID of GPT in lower case, or `0x83` as in a DOS table.
  public var type: String
  /// GPT name.
  public var name: String?
  /// GPT partition GUID, lower case.
  public var uuid: String?
  public var signatures: [Signature]

  public init(
    number: Int, start: UInt64, size: UInt64, type: String, name: String? = nil, uuid: String? = nil,
    signatures: [Signature] = []
  ) {
    self.number = number
    self.start = start
    self.size = size
    self.type = type
    self.name = name
    self.uuid = uuid
    self.signatures = signatures
  }
}

/// Something recognisable at the start (or, for RAID and ZFS, the end) of a disk or partition.
public struct Signature: Codable, Sendable, Hashable, CustomStringConvertible {
  /// libblkid's name: `ext4`, `vfat`, `ntfs`, `LVM2_member`, `zfs_member`, `linux_raid_member`, `crypto_LUKS`,
  /// `isw_raid_member`…
  public var type: String
  public var label: String?
  public var uuid: String?
  /// For `LVM2_member`: the volume group that the member's metadata names, where it belongs to one.
  public var volumeGroup: FoundVolumeGroup?

  public init(type: String, label: String? = nil, uuid: String? = nil, volumeGroup: FoundVolumeGroup? = nil) {
    self.type = type
    self.label = label
    self.uuid = uuid
    self.volumeGroup = volumeGroup
  }

  public var description: String {
    let named = label.map { " “\($0.printable)”" } ?? ""
    switch type {
    case "LVM2_member":
      return volumeGroup.map { "member of the LVM volume group “\($0.name.printable)”" }
        ?? "an LVM physical volume in no group"
    case "zfs_member": return "member of the ZFS pool\(named)"
    case "linux_raid_member": return "member of the Linux RAID\(named)"
    case "isw_raid_member", "ddf_raid_member", "via_raid_member", "nvidia_raid_member", "promise_fasttrack_raid_member":
      return "member of a firmware RAID (\(type))"
    case "crypto_LUKS": return "LUKS encryption\(named)"
    default: return "\(type.printable)\(named)"
    }
  }

  fileprivate var identity: [String] {
    [type, label ?? "", uuid ?? "", volumeGroup?.name ?? "", volumeGroup?.uuid ?? ""]
  }
}

/// An LVM volume group as its metadata on a physical volume describes it.
public struct FoundVolumeGroup: Codable, Sendable, Hashable {
  /// The Bootstead machine whose group this is, where it is another one.
  func otherMachine(than name: String) -> String? {
    let mark = PlannedVolumeGroup.machineTag("")
    guard tags.contains(PlannedVolumeGroup.tag), !tags.contains(mark + name) else { return nil }
    return tags.first { $0.hasPrefix(mark) }.map { String($0.dropFirst(mark.utf8.count)) }
  }

  public var name: String
  public var uuid: String
  public var tags: [String]
  public var logicalVolumes: [String]

  public init(name: String, uuid: String, tags: [String] = [], logicalVolumes: [String] = []) {
    self.name = name
    self.uuid = uuid
    self.tags = tags
    self.logicalVolumes = logicalVolumes
  }
}
