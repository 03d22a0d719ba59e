import Foundation
import GRDB

/// An order to a running node to change its system, and how it ended.
public struct Rollout: Codable, Sendable, Equatable, FetchableRecord, MutablePersistableRecord {
  public static let databaseTableName = "rollout"

  public enum Kind: String, Codable, Sendable {
    /// To the closure that is set for the machine.
    case apply
    /// To the last good system before the one that runs.
    case rollback
    /// To the golden system.
    case release
  }

  public enum Result: String, Codable, Sendable {
    case succeeded
    /// The node tried, and runs its old system again.
    case rolledBack = "rolled back"
    /// The node never left its old system.
    case failed
    /// Another order came before the node told how this one ended.
    case superseded
    /// The canary did not succeed.
    case cancelled
  }

  public var id: Int64?
  public var machine: Int64
  /// What the node knows the order by.
  public var identifier: String
  public var kind: Kind
  /// Store paths.
  public var closure: String
  public var previous: String?
  /// systemd units that have to be active.
  public var units: [String]
  public var healthSeconds: Int
  /// The identifier of the order that has to succeed before this one is given.
  public var canary: String?
  public var orderedAt: Date
  /// When the node got it first.
  public var deliveredAt: Date?
  public var endedAt: Date?
  public var result: Result?
  public var reason: String?

  public mutating func didInsert(_ inserted: InsertionSuccess) { id = inserted.rowID }

  /// How it stands, in a few words.
  public var standing: String {
    if let result { return result.rawValue }
    if deliveredAt != nil { return "under way" }
    return canary == nil ? "ordered" : "waits for the canary"
  }
}
