import AgentProtocol
import Foundation
import GRDB

/// One agent's claim to be a machine: its keys, its short code, and how it stands.
public struct Claim: Codable, Sendable, FetchableRecord, PersistableRecord {
  public static let databaseTableName = "claim"

  public enum State: String, Codable, Sendable {
    /// The agent has the appliance's commitment and has not shown its keys yet.
    case begun
    /// The agent's keys are pinned; its requests are served.
    case current
    /// Another agent of the same machine was alive a moment ago; this one waits until that one is silent.
    case waiting
    case ended
  }

  public var session: String
  /// The boot's nonce.
  public var nonce: String
  public var machine: Int64
  /// Secret until the agent has shown its keys.
  public var serverNonce: ClaimNonce
  public var agentKey: SigningPublicKey?
  public var recipient: AgeRecipient?
  public var code: ShortCode?
  /// The highest request counter that was accepted.
  public var counter: Int64
  public var state: State
  public var at: Date
  public var lastSeen: Date

  /// The newest claim whose agent showed its keys.
  static func current(of machine: Machine, in database: Database) throws -> Claim? {
    try filter(sql: "machine = ? AND state = 'current'", arguments: [machine.id]).order(sql: "at DESC").fetchOne(
      database)
  }
}

/// One network boot of a machine: the handle that its overlay carries. It authorises nothing.
struct Boot: Codable, FetchableRecord, PersistableRecord {
  static let databaseTableName = "boot"

  var nonce: String
  var machine: Int64
  var at: Date
  var mode: String

  /// A boot's nonce opens claims for a day.
  static let lifetime: TimeInterval = 86_400

  func isOver(_ now: Date) -> Bool { now.timeIntervalSince(at) > Boot.lifetime }
}
