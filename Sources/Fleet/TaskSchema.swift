import GRDB

/// What tasks for running nodes add to the schema.
enum TaskSchema {
  static func register(in migrator: inout DatabaseMigrator) {
    migrator.registerMigration("node tasks") { database in
      try database.create(table: "nodeTask") { table in
        table.autoIncrementedPrimaryKey("id")
        table.column("machine", .integer).notNull().indexed().references("machine", onDelete: .cascade)
        table.column("identifier", .text).notNull().unique()
        table.column("install", .text).notNull()
        table.column("task", .text).notNull()
        table.column("wantsJSON", .boolean).notNull()
        table.column("state", .text).notNull()
        table.column("consentedAt", .datetime)
        table.column("queuedAt", .datetime).notNull()
        table.column("deliveredAt", .datetime)
        table.column("startedAt", .datetime)
        table.column("endedAt", .datetime)
        table.column("exitCode", .integer)
        table.column("output", .text)
        table.column("messages", .text)
        table.column("isCut", .boolean).notNull()
        table.column("reason", .text)
      }
    }
  }
}
