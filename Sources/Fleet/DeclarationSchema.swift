import GRDB

/// What declared fleets and builds of their nodes add to the schema.
enum DeclarationSchema {
  static func register(in migrator: inout DatabaseMigrator) {
    migrator.registerMigration("declaration") { database in
      try database.alter(table: "machine") { table in
        table.add(column: "choices", .text).notNull().defaults(
          to: #"{"settings":{},"modules":[]}"#)
        table.add(column: "stateVersion", .text).notNull().defaults(to: "26.05")
      }
      // The last one that was applied: one row.
      try database.create(table: "declaration") { table in
        table.primaryKey("id", .integer)
        table.column("at", .datetime).notNull()
        table.column("digest", .text).notNull()
        table.column("files", .blob).notNull()
      }
      try database.create(table: "build") { table in
        table.autoIncrementedPrimaryKey("id")
        table.column("machine", .integer).notNull().indexed().references("machine", onDelete: .cascade)
        table.column("at", .datetime).notNull()
        table.column("flake", .text).notNull()
        table.column("nixpkgs", .text)
        table.column("closure", .text).notNull()
      }
    }
  }
}
