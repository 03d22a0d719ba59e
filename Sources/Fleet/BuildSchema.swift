import GRDB

/// What the layout that a system was built for adds to the schema.
enum BuildSchema {
  static func register(in migrator: inout DatabaseMigrator) {
    migrator.registerMigration("build layout") { database in
      try database.alter(table: "build") { table in
        // Nil for builds of before: nobody knows what they were for.
        table.add(column: "layout", .text)
      }
    }
  }
}
