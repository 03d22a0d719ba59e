import Crypto
import Foundation
import GRDB

extension Fleet {
  /// Makes a bearer token; the registry keeps its hash alone.
  /// - Parameter lifetime: in seconds.
  public func makeToken(purpose: String, lifetime: TimeInterval) async throws -> (token: String, expiresAt: Date) {
    let token = "bst_" + randomToken() + randomToken()
    let now = now()
    let expiresAt = now.addingTimeInterval(lifetime)
    try await database.write { database in
      try database.execute(sql: "DELETE FROM token WHERE expiresAt < ?", arguments: [now])
      try database.execute(
        sql: "INSERT INTO token (hash, purpose, createdAt, expiresAt) VALUES (?, ?, ?, ?)",
        arguments: [Fleet.hash(token), purpose, now, expiresAt])
    }
    return (token, expiresAt)
  }

  public func accepts(token: String, purpose: String) async throws -> Bool {
    let now = now()
    return try await database.read { database in
      try Bool.fetchOne(
        database, sql: "SELECT 1 FROM token WHERE hash = ? AND purpose = ? AND expiresAt > ?",
        arguments: [Fleet.hash(token), purpose, now]) ?? false
    }
  }

  /// Ends all tokens of a purpose.
  /// - Returns: how many were still good.
  public func revokeTokens(purpose: String) async throws -> Int {
    let now = now()
    return try await database.write { database in
      let good = try Int.fetchOne(
        database, sql: "SELECT count(*) FROM token WHERE purpose = ? AND expiresAt > ?", arguments: [purpose, now])
      try database.execute(sql: "DELETE FROM token WHERE purpose = ?", arguments: [purpose])
      return good ?? 0
    }
  }

  private static func hash(_ token: String) -> String {
    SHA256.hash(data: Data(token.utf8)).map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
  }
}

extension FleetDatabase {
  /// Tokens from before end 90 days after the day on which they were made.
  static func registerTokenExpiry(in migrator: inout DatabaseMigrator) {
    migrator.registerMigration("token expiry") { database in
      try database.alter(table: "token") { $0.add(column: "expiresAt", .datetime) }
      try database.execute(sql: "UPDATE token SET expiresAt = strftime('%Y-%m-%d %H:%M:%f', createdAt, '+90 days')")
    }
  }
}
