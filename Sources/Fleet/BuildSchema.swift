import GRDB

/// What is known of a build beside its flake and its closure: the layout that it is for, and where it was made.
enum BuildSchema {
  static func register(in migrator: inout DatabaseMigrator) {
    migrator.registerMigration("build layout") { database in
      try database.alter(table: "build") { table in
        // Nil for builds of before: nobody knows what they were for.
        table.add(column: "layout", .text)
      }
    }
    migrator.registerMigration("build on the machine") { database in
      try database.alter(table: "build") { table in
        table.add(column: "onMachine", .boolean).notNull().defaults(to: false)
      }
    }
  }
}
