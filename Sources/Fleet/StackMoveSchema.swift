import Foundation
import GRDB

/// What stacks that move add to the schema.
enum StackMoveSchema {
  static func register(in migrator: inout DatabaseMigrator) {
    migrator.registerMigration("stack moves") { database in
      try database.create(table: "stackMove") { table in
        table.autoIncrementedPrimaryKey("id")
        table.column("identifier", .text).notNull().unique()
        table.column("source", .integer).notNull().indexed().references("machine", onDelete: .cascade)
        table.column("target", .integer).notNull().indexed().references("machine", onDelete: .cascade)
        table.column("move", .text).notNull()
        table.column("endedAt", .datetime)
      }
    }
  }
}

/// A row of the table `stackMove`.
struct StoredMove: Codable, FetchableRecord, MutablePersistableRecord {
  static let databaseTableName = "stackMove"

  var id: Int64?
  var identifier: String
  var source: Int64
  var target: Int64
  var move: StackMove
  var endedAt: Date?

  mutating func didInsert(_ inserted: InsertionSuccess) { id = inserted.rowID }
}
