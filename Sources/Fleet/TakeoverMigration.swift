import GRDB

extension FleetDatabase {
  /// Tokens of take-overs: what the appliance keeps of them proves nothing by itself until their time is over.
  static func registerTakeover(in migrator: inout DatabaseMigrator) {
    migrator.registerMigration("takeover") { database in
      try database.create(table: "takeover") { table in
        table.primaryKey("identifier", .text)
        table.column("machine", .integer).notNull().indexed().references("machine", onDelete: .cascade)
        table.column("proofKey", .blob).notNull()
        table.column("expiresAt", .datetime).notNull()
        // The one attempt that used it, and the boot that it got.
        table.column("attempt", .text)
        table.column("nonce", .text)
        table.column("step", .integer).notNull().defaults(to: 0)
      }
    }
  }
}
