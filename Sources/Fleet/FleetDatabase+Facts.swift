import GRDB

extension FleetDatabase {
  static func registerFacts(_ migrator: inout DatabaseMigrator) {
    migrator.registerMigration("facts") { database in
      try database.create(table: "facts") { table in
        table.autoIncrementedPrimaryKey("id")
        table.column("machine", .integer).notNull().indexed().references("machine", onDelete: .cascade)
        table.column("at", .datetime).notNull()
        table.column("isAccepted", .boolean).notNull()
        table.column("facts", .text).notNull()
      }
      try database.create(table: "hardware") { table in
        table.primaryKey("machine", .integer).references("machine", onDelete: .cascade)
        table.column("holdOn", .text).notNull()
        table.column("held", .text)
        table.column("task", .text)
        table.column("examined", .text)
      }
    }
  }
}
