import GRDB

/// What secrets of running nodes add to the schema.
enum SecretSchema {
  static func register(in migrator: inout DatabaseMigrator) {
    migrator.registerMigration("secret revisions") { database in
      try database.alter(table: "secret") { table in
        table.add(column: "revision", .text).notNull().defaults(to: "")
        // The revision that the running node has told that it has.
        table.add(column: "held", .text)
      }
      try database.execute(sql: "UPDATE secret SET revision = lower(hex(randomblob(8)))")
    }
  }
}
