import Foundation
import GRDB

/// One row of the event log.
public struct FleetEvent: Codable, Sendable, FetchableRecord, MutablePersistableRecord {
  public static let databaseTableName = "event"

  public var id: Int64?
  /// The machine's row, or nil for the appliance itself.
  public var machine: Int64?
  public var at: Date
  /// `state`, `progress`, `consent`, `discovered`, `setting`, `claim`, `refusal`, `saved`, `alarm`.
  public var kind: String
  /// The state after this event, where it changed the state.
  public var state: MachineState?
  /// One plain sentence.
  public var text: String
  /// A value as JSON, where the event carries one.
  public var detail: String?

  public mutating func didInsert(_ inserted: InsertionSuccess) { id = inserted.rowID }
}
