import GRDB

/// What is known of a build's part in a k3s cluster.
enum ClusterSchema {
  static func register(in migrator: inout DatabaseMigrator) {
    migrator.registerMigration("build cluster join") { database in
      try database.alter(table: "build") { table in
        // Nil where the system joins no server: it begins a cluster, or is in none.
        table.add(column: "clusterJoin", .text)
      }
    }
  }
}
