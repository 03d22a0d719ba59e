import AgentProtocol
import Foundation
import GRDB

/// What is told of a secret: everything but the secret.
public struct SecretStanding: Codable, Sendable, Hashable, FetchableRecord {
  public var name: String
  /// Whether it may go to a machine whose short code nobody compared.
  public var firstUse: Bool
  /// Whether the running node has told that it has this value.
  public var isOnNode: Bool
}

extension Fleet {
  /// Together they fit into an answer of the agent's API, whatever their encoding adds.
  private static let secretBytesInAnAnswer = 1 << 20

  /// Stores a secret; it leaves the appliance only sealed to a key of the node's.
  /// - Parameter firstUse: whether it may go to a machine whose short code nobody compared.
  public func setSecret(_ value: Data, named secret: String, of name: String, firstUse: Bool = false) async throws {
    guard secret.wholeMatch(of: /[a-z0-9][a-z0-9._\-]{0,62}/) != nil else {
      throw FleetError.invalidValue(field: "secret", reason: "a name is 1 to 63 of a-z, 0-9, '.', '_' and '-'")
    }
    try await write { database, now in
      let machine = try find(name, in: database)
      try database.execute(
        sql: """
          INSERT OR REPLACE INTO secret (machine, name, value, firstUse, revision) VALUES (?, ?, ?, ?, lower(hex(randomblob(8))))
          """,
        arguments: [machine.id, secret, value, firstUse])
      try record("secret '\(secret)' set by the operator", of: machine, kind: "setting", in: database, now: now)
    }
  }

  /// Deletes a secret here, and from the node with its next report.
  /// - Throws: ``FleetError/invalidValue(field:reason:)`` where there is none of that name.
  public func removeSecret(named secret: String, of name: String) async throws {
    try await write { database, now in
      let machine = try find(name, in: database)
      try database.execute(
        sql: "DELETE FROM secret WHERE machine = ? AND name = ?", arguments: [machine.id, secret])
      guard database.changesCount == 1 else {
        throw FleetError.invalidValue(
          field: "secret",
          reason:
            "\(machine.name.text) has none of that name; 'bootstead machine secrets \(machine.name.text)' lists them")
      }
      try record("secret '\(secret)' removed by the operator", of: machine, kind: "setting", in: database, now: now)
    }
  }

  /// The names of a machine's secrets, and which of them its node has.
  public func secrets(of name: String) async throws -> [SecretStanding] {
    try await database.read { database in
      let machine = try find(name, in: database)
      return try SecretStanding.fetchAll(
        database,
        sql: "SELECT name, firstUse, held IS revision AS isOnNode FROM secret WHERE machine = ? ORDER BY name",
        arguments: [machine.id])
    }
  }

  /// For the install.
  func sealedSecrets(of machine: Machine, for recipient: AgeRecipient, in database: Database) throws -> [String: Data] {
    var sealed: [String: Data] = [:]
    for secret in try StoredSecret.allowed(for: machine, in: database) {
      sealed[secret.name] = Data(try AgeFile.seal(Array(secret.value), to: recipient))
    }
    return sealed
  }

  /// What a running node is to get and to delete.
  /// - Parameter held: the revisions that it has; nil for an agent that takes no secrets.
  func secretOrders(
    for machine: Machine, held: [String: String]?, in database: Database, now: Date
  ) throws -> (delivered: [SealedSecret]?, obsolete: [String]?) {
    guard let held, let recipient = machine.nodeRecipient else { return (nil, nil) }
    var delivered: [SealedSecret] = []
    var bytes = 0
    for secret in try StoredSecret.allowed(for: machine, in: database) {
      if held[secret.name] == secret.revision {
        if secret.held != secret.revision {
          try database.execute(
            sql: "UPDATE secret SET held = revision WHERE machine = ? AND name = ?",
            arguments: [machine.id, secret.name])
          try record("the node has the secret '\(secret.name)'", of: machine, kind: "progress", in: database, now: now)
        }
        continue
      }
      bytes += secret.value.count
      // The others come with the next report.
      guard delivered.isEmpty || bytes <= Self.secretBytesInAnAnswer else { break }
      delivered.append(
        SealedSecret(
          name: secret.name, revision: secret.revision,
          sealed: Data(try AgeFile.seal(Array(secret.value), to: recipient))))
    }
    let names = try String.fetchSet(
      database, sql: "SELECT name FROM secret WHERE machine = ?", arguments: [machine.id])
    let obsolete = held.keys.filter { !names.contains($0) }.sorted()
    return (delivered.isEmpty ? nil : delivered, obsolete.isEmpty ? nil : obsolete)
  }
}

/// A row of the table `secret`.
private struct StoredSecret: Decodable, FetchableRecord {
  var name: String
  var value: Data
  var revision: String
  var held: String?

  /// Those that the machine's trust lets it have.
  static func allowed(for machine: Machine, in database: Database) throws -> [StoredSecret] {
    try fetchAll(
      database,
      sql: "SELECT name, value, revision, held FROM secret WHERE machine = ? AND (firstUse OR ?) ORDER BY name",
      arguments: [machine.id, machine.trust == .verified])
  }
}
