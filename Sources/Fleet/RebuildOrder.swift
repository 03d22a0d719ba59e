import AgentProtocol
import DiskLayout
import Foundation

/// A rebuild as the operator consented to it.
public struct RebuildOrder: Codable, Sendable, Equatable {
  /// What the agent gets.
  public var task: RebuildTask
  /// The data group that the disk planner has to find; nil where there is none, or where its disk is gone.
  public var keeping: String?
  /// Serial numbers, or stable ids, of disks whose data may be lost.
  public var loseData: [String]
  /// The system disk instead of the layout's, where it was replaced.
  public var systemDisk: SystemDisk?
  /// The data disk instead of the layout's, where it was replaced.
  public var dataDisk: SystemDisk?
  /// Another board or card was announced: a UUID that the operator gave before is not insisted on.
  public var replacesAddress: Bool
  public var grantedAt: Date
  /// Of the preview that was consented to.
  public var digest: String
  /// An agent got the task: something may have been written.
  public var begun: Bool = false

  /// The consent for the disk planner, beside what may be wiped.
  var lostNames: Set<String> { Set(loseData) }
}

/// The order for a running node to start from the network.
public struct NetworkBootOrder: Codable, Sendable, Equatable {
  public var identifier: String
  public var orderedAt: Date
  /// The node's boot at the time of the order; nil until it reported.
  public var bootIdentifier: String?
  /// The node has asked and was told.
  public var deliveredAt: Date?
}

/// The data volumes of a machine before and after a rebuild.
public struct DataComparison: Codable, Sendable, Equatable {
  public var before: [VolumeFingerprint]
  public var after: [VolumeFingerprint]
  public var at: Date
  /// What differs, one sentence each; empty where all is as it was.
  public var differences: [String]

  public init(before: [VolumeFingerprint], after: [VolumeFingerprint], at: Date) {
    (self.before, self.after, self.at) = (before, after, at)
    differences = before.compactMap { volume in
      guard let now = after.first(where: { $0.uuid == volume.uuid }) else {
        return "the volume \(volume.name) (\(volume.uuid)) was there before and was not read afterwards"
      }
      if now.digest == volume.digest, now.size == volume.size, now.depth == volume.depth { return nil }
      return
        "the volume \(volume.name) (\(volume.uuid)) is not what it was: \(volume.size) bytes, \(volume.depth.rawValue) "
        + "SHA-256 \(volume.digest) before; \(now.size) bytes, \(now.depth.rawValue) SHA-256 \(now.digest) afterwards"
    }
  }

  public var isEqual: Bool { differences.isEmpty }
}
