import AgentProtocol
public import Foundation
import GRDB

/// What `machine show` tells of a machine's hardware beside its inventory.
public struct HardwareStanding: Codable, Sendable {
  /// What may hold an install.
  public var holdOn: [HardwareHold]
  /// Why the install waits.
  public var held: String?
  /// What is different from the accepted facts.
  public var drift: [FactsChange]
  /// The checks that the machine's agent is to make.
  public var wanted: [HardwareCheck]
}

/// `GET /v1/machines/NAME/facts`
public struct FactsAnswer: Codable, Sendable {
  public struct Record: Codable, Sendable {
    public var id: Int64
    public var at: Date
    /// What drift is measured against.
    public var isAccepted: Bool
    public var facts: MachineFacts
    /// What was different from the record before.
    public var changes: [FactsChange]
  }

  public var machine: MachineName
  public var standing: HardwareStanding
  /// Newest first.
  public var records: [Record]
}

/// `POST /v1/machines/NAME/facts/accept`
public struct AcceptFacts: Codable, Sendable {
  /// The record that the operator saw; refused where there is a newer one. Nil accepts the newest.
  public var record: Int64?

  public init(record: Int64? = nil) { self.record = record }
}

/// `POST /v1/machines/NAME/facts/examine`
public struct ExamineMachine: Codable, Sendable {
  public var checks: [HardwareCheck]

  public init(checks: [HardwareCheck]) { self.checks = checks }
}

/// A machine's policy and the examination that is wanted or was made.
struct HardwareRecord: Codable, FetchableRecord, PersistableRecord {
  static let databaseTableName = "hardware"

  var machine: Int64
  var holdOn: [HardwareHold] = []
  var held: String?
  /// Reported before anything else is done; the same until its report came.
  var task: ExamineTask?
  /// For which install, which disks and which checks the last examination was.
  var examined: Examined?

  struct Examined: Codable {
    var install: String
    var disks: Set<String>
    var checks: Set<HardwareCheck>
  }

  init(machine: Int64) { self.machine = machine }

  static func of(_ machine: Machine, in database: Database) throws -> HardwareRecord {
    let id = machine.id ?? 0
    return try fetchOne(database, key: id) ?? HardwareRecord(machine: id)
  }
}

/// One row of the history of a machine's facts.
struct FactsRecord: Codable, FetchableRecord, MutablePersistableRecord {
  static let databaseTableName = "facts"

  var id: Int64?
  var machine: Int64
  var at: Date
  var isAccepted: Bool
  var facts: MachineFacts

  mutating func didInsert(_ inserted: InsertionSuccess) { id = inserted.rowID }

  static func newest(of machine: Machine, in database: Database) throws -> FactsRecord? {
    try filter(sql: "machine = ?", arguments: [machine.id]).order(sql: "id DESC").fetchOne(database)
  }

  static func accepted(of machine: Machine, in database: Database) throws -> FactsRecord? {
    try filter(sql: "machine = ? AND isAccepted", arguments: [machine.id]).order(sql: "id DESC").fetchOne(database)
  }
}
