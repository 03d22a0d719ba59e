import AgentProtocol
import FoundationEssentials

/// The state of one file system at a moment.
public struct Snapshot: Sendable, Hashable, Codable {
  public enum Provider: String, Sendable, Hashable, Codable {
    case thin = "lvm-thin"
    case zfs
  }

  public enum Purpose: String, Sendable, Hashable, Codable {
    /// Made by a backup, and dropped by it.
    case backup
    /// Made by hand.
    case manual
    /// Made by a plan's timer, and dropped by its retention.
    case scheduled
    /// Made to look a file system over, and dropped right after.
    case check
  }

  public var provider: Provider
  /// `GROUP/VOLUME`, or the data set.
  public var origin: String
  /// `GROUP/NAME`, or `DATASET@NAME`.
  public var name: String
  public var purpose: Purpose
  public var stack: String
  /// The run of a backup, or the name that was given by hand.
  public var label: String
  /// As the origin's: `ext4`, `xfs` or `zfs`.
  public var fileSystem: String
  /// Bytes that only the snapshot holds, where that is known.
  public var bytes: UInt64?
  public var created: String?

  public init(
    provider: Provider, origin: String, name: String, purpose: Purpose, stack: String, label: String,
    fileSystem: String, bytes: UInt64? = nil, created: String? = nil
  ) {
    self.provider = provider
    self.origin = origin
    self.name = name
    self.purpose = purpose
    self.stack = stack
    self.label = label
    self.fileSystem = fileSystem
    self.bytes = bytes
    self.created = created
  }

  /// - Throws: where it can not be part of a snapshot's name.
  static func check(label: String) throws(NodeWorkError) {
    let isGood =
      !label.isEmpty && label.utf8.count <= 40
      && label.utf8.allSatisfy {
        ($0 >= 0x30 && $0 <= 0x39) || ($0 >= 0x41 && $0 <= 0x5A) || ($0 >= 0x61 && $0 <= 0x7A) || $0 == 0x2D
          || $0 == 0x5F
      }
    guard isGood else {
      throw NodeWorkError(
        .configuration, "“\(label)” can not name a snapshot",
        advice: "take up to 40 letters, digits, hyphens and underscores")
    }
  }
}

/// What a snapshot is made of.
public struct SnapshotOrigin: Sendable, Hashable, Codable {
  public var provider: Snapshot.Provider
  /// `GROUP/VOLUME`, or the data set.
  public var name: String
  public var fileSystem: String
  public var mountPoint: String
  /// `GROUP/POOL`, or the ZFS pool.
  public var pool: String

  func snapshot(_ purpose: Snapshot.Purpose, stack: String, label: String) -> Snapshot {
    let name =
      switch provider {
      case .thin: "\(self.name).\(purpose.rawValue).\(stack).\(label)"
      case .zfs: "\(self.name)@\(purpose.rawValue).\(stack).\(label)"
      }
    return Snapshot(
      provider: provider, origin: self.name, name: name, purpose: purpose, stack: stack, label: label,
      fileSystem: fileSystem)
  }
}

/// How full a pool is.
public struct PoolUse: Sendable, Hashable, Codable {
  /// From here on there is an alarm.
  public static let alarmPercent = 80.0
  /// From here on no snapshot is made: a full pool stops every service that writes.
  public static let refusalPercent = 92.0

  /// `GROUP/POOL`, or the ZFS pool.
  public var name: String
  public var provider: Snapshot.Provider
  public var bytes: UInt64
  public var dataPercent: Double
  /// Of a thin pool's metadata.
  public var metadataPercent: Double?
  /// As ZFS calls it: `ONLINE`, `DEGRADED` and others.
  public var health: String?

  public init(
    name: String, provider: Snapshot.Provider, bytes: UInt64, dataPercent: Double, metadataPercent: Double? = nil,
    health: String? = nil
  ) {
    self.name = name
    self.provider = provider
    self.bytes = bytes
    self.dataPercent = dataPercent
    self.metadataPercent = metadataPercent
    self.health = health
  }

  var isFull: Bool { max(dataPercent, metadataPercent ?? 0) >= Self.refusalPercent }

  /// What is to be seen to.
  public var alarms: [String] { findings.map(\.text) }

  var findings: [NodeAlarm] {
    var found: [NodeAlarm] = []
    func add(_ aspect: String, _ text: String) {
      found.append(NodeAlarm(subject: "pool \(name): \(aspect)", text: text))
    }
    if dataPercent >= Self.alarmPercent {
      add("data", "the pool \(name) is full to \(Self.text(dataPercent)) %; extend it, or remove data or snapshots")
    }
    if let metadataPercent, metadataPercent >= Self.alarmPercent {
      add(
        "metadata",
        "the metadata of the pool \(name) is full to \(Self.text(metadataPercent)) %; extend it with "
          + "'lvextend --poolmetadatasize +1g \(name)', or remove snapshots")
    }
    if let health, health != "ONLINE" { add("health", "the pool \(name) is \(health); see 'zpool status \(name)'") }
    return found
  }

  static func text(_ percent: Double) -> String {
    let tenths = Int((percent * 10).rounded())
    return "\(tenths / 10).\(tenths % 10)"
  }
}
