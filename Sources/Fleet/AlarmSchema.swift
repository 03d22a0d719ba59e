import Foundation
import GRDB

/// What alarms of nodes add to the schema.
enum AlarmSchema {
  static func register(in migrator: inout DatabaseMigrator) {
    migrator.registerMigration("node alarms") { database in
      try database.create(table: "nodeAlarm") { table in
        table.column("machine", .integer).notNull().references("machine", onDelete: .cascade)
        table.column("subject", .text).notNull()
        table.column("text", .text).notNull()
        table.column("since", .datetime).notNull()
        table.primaryKey(["machine", "subject"])
      }
    }
  }
}

/// A row of the table `nodeAlarm`.
struct StoredAlarm: Codable, FetchableRecord, PersistableRecord {
  static let databaseTableName = "nodeAlarm"

  var machine: Int64
  var subject: String
  var text: String
  var since: Date

  static func all(of machine: Machine, in database: Database) throws -> [StoredAlarm] {
    try filter(sql: "machine = ?", arguments: [machine.id]).order(sql: "since, subject").fetchAll(database)
  }
}

/// What is to be seen to on a machine, as its node said last.
public struct MachineAlarm: Codable, Sendable, Equatable {
  /// What it is about, the same for as long as it lasts.
  public var subject: String
  public var text: String
  public var since: Date
}
