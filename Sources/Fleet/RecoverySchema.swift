import GRDB

/// What rebuilds, wipes and the evidence for a machine add to the schema.
enum RecoverySchema {
  static func register(in migrator: inout DatabaseMigrator) {
    migrator.registerMigration("recovery") { database in
      try database.alter(table: "machine") { table in
        table.add(column: "rebuild", .text)
        table.add(column: "wipe", .text)
        table.add(column: "evidence", .text)
        table.add(column: "evidenceRefusal", .text)
        table.add(column: "acceptsHardware", .boolean).notNull().defaults(to: false)
        table.add(column: "uuidGiven", .boolean).notNull().defaults(to: false)
        table.add(column: "networkBoot", .text)
        table.add(column: "bootIdentifier", .text)
        table.add(column: "reportedAt", .datetime)
        table.add(column: "comparison", .text)
      }
      try database.create(table: "savedState") { table in
        table.autoIncrementedPrimaryKey("id")
        table.column("machine", .integer).notNull().indexed().references("machine", onDelete: .cascade)
        table.column("install", .text).notNull()
        table.column("at", .datetime).notNull()
        table.column("content", .blob).notNull()
      }
      try database.create(table: "agentLog") { table in
        table.primaryKey("machine", .integer).references("machine", onDelete: .cascade)
        table.column("install", .text).notNull()
        table.column("step", .text).notNull()
        table.column("at", .datetime).notNull()
        table.column("lines", .text).notNull()
      }
    }
  }
}
