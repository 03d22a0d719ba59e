import GRDB

/// What restores after rebuilds add to the schema.
enum RestoreSchema {
  static func register(in migrator: inout DatabaseMigrator) {
    migrator.registerMigration("restores") { database in
      try database.alter(table: "machine") { table in table.add(column: "restore", .text) }
    }
  }
}
