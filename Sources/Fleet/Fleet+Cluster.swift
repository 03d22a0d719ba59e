import Crypto
import Foundation
import GRDB

/// `POST /v1/clusters/secret`: machines that are to have one secret that nobody ever sees.
public struct SharedSecret: Codable, Sendable {
  public var secret: String
  public var machines: [String]
  /// Whether it may go to machines whose short code nobody compared.
  public var firstUse: Bool

  public init(secret: String, machines: [String], firstUse: Bool) {
    (self.secret, self.machines, self.firstUse) = (secret, machines, firstUse)
  }
}

/// The answer: everything but the secret.
public struct SharedSecretAnswer: Codable, Sendable {
  /// Whether it was made now.
  public var isNew: Bool
  /// Machines that were given it now.
  public var given: [String]
}

extension Fleet {
  /// Gives machines the same secret: that of those that have it, otherwise one that is made. It leaves the appliance
  /// only sealed to the nodes' keys.
  /// - Throws: ``FleetError/conflict(_:)`` where two of them have different ones.
  public func shareSecret(_ request: SharedSecret) async throws -> SharedSecretAnswer {
    guard request.secret.wholeMatch(of: /[a-z0-9][a-z0-9._\-]{0,62}/) != nil else {
      throw FleetError.invalidValue(field: "secret", reason: "a name is 1 to 63 of a-z, 0-9, '.', '_' and '-'")
    }
    guard !request.machines.isEmpty else {
      throw FleetError.invalidValue(field: "machines", reason: "name at least one machine")
    }
    return try await write { database, now in
      var values: [Data] = []
      var without: [Machine] = []
      for name in request.machines {
        let machine = try find(name, in: database)
        let value = try Data.fetchOne(
          database, sql: "SELECT value FROM secret WHERE machine = ? AND name = ?",
          arguments: [machine.id, request.secret])
        if let value {
          if !values.contains(value) { values.append(value) }
        } else {
          without.append(machine)
        }
      }
      guard values.count <= 1 else {
        throw FleetError.conflict(
          "machines have different secrets '\(request.secret)', and nothing was changed: delete the wrong one with "
            + "'bootstead machine secret NAME \(request.secret) --remove'")
      }
      let value = values.first ?? SymmetricKey(size: .bits256).withUnsafeBytes { Data(Data($0).hexadecimal.utf8) }
      for machine in without {
        try database.execute(
          sql: """
            INSERT INTO secret (machine, name, value, firstUse, revision) VALUES (?, ?, ?, ?, lower(hex(randomblob(8))))
            """,
          arguments: [machine.id, request.secret, value, request.firstUse])
        try record(
          "secret '\(request.secret)' of its cluster set", of: machine, kind: "setting", in: database, now: now)
      }
      return SharedSecretAnswer(isNew: values.isEmpty, given: without.map(\.name.text))
    }
  }
}

extension Data {
  fileprivate var hexadecimal: String { map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined() }
}
