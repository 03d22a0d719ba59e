import GRDB

/// What changing the system of running nodes adds to the schema.
enum RolloutSchema {
  static func register(in migrator: inout DatabaseMigrator) {
    migrator.registerMigration("rollout") { database in
      try database.alter(table: "machine") { table in table.add(column: "driftSince", .datetime) }
      try database.create(table: "rollout") { table in
        table.autoIncrementedPrimaryKey("id")
        table.column("machine", .integer).notNull().indexed().references("machine", onDelete: .cascade)
        table.column("identifier", .text).notNull().unique()
        table.column("kind", .text).notNull()
        table.column("closure", .text).notNull()
        table.column("previous", .text)
        table.column("units", .text).notNull()
        table.column("healthSeconds", .integer).notNull()
        table.column("canary", .text)
        table.column("orderedAt", .datetime).notNull()
        table.column("deliveredAt", .datetime)
        table.column("endedAt", .datetime)
        table.column("result", .text)
        table.column("reason", .text)
      }
    }
  }
}
