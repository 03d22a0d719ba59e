import Foundation
import GRDB

/// Opens the SQLite file and brings it to the current schema.
enum FleetDatabase {
  /// - Throws: ``FleetError/database(_:)`` when the file can not be opened, is damaged, or comes from a newer version.
  static func open(at path: String) throws(FleetError) -> DatabasePool {
    do {
      return try openChecked(at: path)
    } catch let error as FleetError {
      throw error
    } catch {
      throw .database("\(path) can not be opened (\(error)); it may be damaged: restore it from a backup")
    }
  }

  private static func openChecked(at path: String) throws -> DatabasePool {
    var configuration = Configuration()
    configuration.foreignKeysEnabled = true
    configuration.busyMode = .timeout(10)
    configuration.prepareDatabase { database in
      // States, consents and keys must survive a power cut: an answer leaves only after the commit is on the disk.
      try database.execute(sql: "PRAGMA synchronous = FULL")
    }
    let pool = try DatabasePool(path: path, configuration: configuration)
    let migrator = migrator
    if try pool.read(migrator.hasBeenSuperseded) {
      throw FleetError.database("\(path) was written by a newer Bootstead; install that version or restore a backup")
    }
    let check = try pool.read { try String.fetchOne($0, sql: "PRAGMA quick_check(1)") }
    guard check == "ok" else { throw FleetError.database("\(path) is damaged: \(check ?? "no answer to quick_check")") }
    try migrator.migrate(pool)
    return pool
  }

  /// Named steps that never change once released.
  static var migrator: DatabaseMigrator {
    var migrator = DatabaseMigrator()
    migrator.registerMigration("fleet") { database in
      try database.create(table: "machine") { table in
        table.autoIncrementedPrimaryKey("id")
        table.column("name", .text).notNull().unique()
        table.column("identifier", .text).notNull().unique()
        table.column("install", .text).notNull()
        table.column("finishedInstall", .text)
        table.column("comparesCode", .boolean).notNull().defaults(to: false)
        table.column("state", .text).notNull()
        table.column("reason", .text)
        table.column("uuid", .text)
        table.column("serial", .text)
        table.column("product", .text)
        table.column("role", .text)
        table.column("stacks", .text).notNull().defaults(to: "[]")
        table.column("closure", .text)
        table.column("image", .text)
        table.column("layout", .text).notNull()
        table.column("quirks", .text).notNull().defaults(to: "{}")
        table.column("nextBoot", .text)
        table.column("blocked", .boolean).notNull().defaults(to: false)
        table.column("trust", .text)
        table.column("armedUntil", .datetime)
        table.column("inventory", .text)
        table.column("plan", .text)
        table.column("planRefusal", .text)
        table.column("nodeKey", .text)
        table.column("nodeRecipient", .text)
        table.column("nodeCounter", .integer).notNull().defaults(to: 0)
        table.column("installedDisks", .text)
        table.column("runningClosure", .text)
        table.column("progress", .text)
        table.column("bootsWithoutReport", .text).notNull().defaults(to: "[]")
        table.column("createdAt", .datetime).notNull()
        table.column("lastSeen", .datetime)
      }
      try database.create(table: "nic") { table in
        table.primaryKey("mac", .text)
        table.column("machine", .integer).notNull().indexed().references("machine", onDelete: .cascade)
      }
      try database.create(table: "consent") { table in
        table.column("machine", .integer).notNull().references("machine", onDelete: .cascade)
        table.column("disk", .text).notNull()
        table.column("givenAt", .datetime).notNull()
        table.primaryKey(["machine", "disk"])
      }
      try database.create(table: "event") { table in
        table.autoIncrementedPrimaryKey("id")
        table.column("machine", .integer).indexed().references("machine", onDelete: .cascade)
        table.column("at", .datetime).notNull()
        table.column("kind", .text).notNull()
        table.column("state", .text)
        table.column("text", .text).notNull()
        table.column("detail", .text)
      }
      try database.create(table: "boot") { table in
        table.primaryKey("nonce", .text)
        table.column("machine", .integer).notNull().indexed().references("machine", onDelete: .cascade)
        table.column("at", .datetime).notNull()
        table.column("mode", .text).notNull()
      }
      try database.create(table: "claim") { table in
        table.primaryKey("session", .text)
        table.column("nonce", .text).notNull().references("boot", onDelete: .cascade)
        table.column("machine", .integer).notNull().indexed().references("machine", onDelete: .cascade)
        table.column("serverNonce", .text).notNull()
        table.column("agentKey", .text)
        table.column("recipient", .text)
        table.column("code", .text)
        table.column("counter", .integer).notNull().defaults(to: 0)
        table.column("state", .text).notNull()
        table.column("at", .datetime).notNull()
        table.column("lastSeen", .datetime).notNull()
      }
      try database.create(table: "decision") { table in
        table.autoIncrementedPrimaryKey("id")
        table.column("mac", .text).notNull().indexed()
        table.column("at", .datetime).notNull()
        table.column("decision", .text).notNull()
      }
      try database.create(table: "secret") { table in
        table.column("machine", .integer).notNull().references("machine", onDelete: .cascade)
        table.column("name", .text).notNull()
        table.column("value", .blob).notNull()
        table.column("firstUse", .boolean).notNull().defaults(to: false)
        table.primaryKey(["machine", "name"])
      }
      try database.create(table: "loader") { table in
        table.primaryKey("name", .text)
        table.column("record", .text).notNull()
      }
      try database.create(table: "image") { table in
        table.primaryKey("name", .text)
        table.column("record", .text).notNull()
      }
      try database.create(table: "closure") { table in
        table.primaryKey("path", .text)
        table.column("label", .text)
        table.column("addedAt", .datetime).notNull()
      }
      try database.create(table: "token") { table in
        table.primaryKey("hash", .text)
        table.column("purpose", .text).notNull()
        table.column("createdAt", .datetime).notNull()
      }
      try database.create(table: "setting") { table in
        table.primaryKey("name", .text)
        table.column("value", .text).notNull()
      }
    }
    RecoverySchema.register(in: &migrator)
    registerFacts(&migrator)
    registerTakeover(in: &migrator)
    registerTokenExpiry(in: &migrator)
    RolloutSchema.register(in: &migrator)
    DeclarationSchema.register(in: &migrator)
    SecretSchema.register(in: &migrator)
    BuildSchema.register(in: &migrator)
    TaskSchema.register(in: &migrator)
    RestoreSchema.register(in: &migrator)
    StackMoveSchema.register(in: &migrator)
    ClusterSchema.register(in: &migrator)
    AlarmSchema.register(in: &migrator)
    return migrator
  }
}
