import Crypto
import Foundation
import GRDB

/// The files of a declared fleet by their path: `fleet.json`, `machines/NAME.json`, `modules/…`, `stacks/NAME/…`.
public struct DeclaredFiles: Codable, Sendable, Equatable {
  public var files: [String: Data]

  public init(_ files: [String: Data]) { self.files = files }

  /// Bytes of all files together.
  public static let byteLimit = 1 << 20
  public static let fleet = "fleet.json"

  /// SHA-256 over names, lengths and contents, hexadecimal.
  public var digest: String {
    var hash = SHA256()
    for (path, content) in files.sorted(by: { $0.key < $1.key }) {
      hash.update(data: Data("\(path.utf8.count):\(path)\(content.count):".utf8))
      hash.update(data: content)
    }
    return hash.finalize().map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
  }

  /// What is wrong with names and sizes.
  var problems: [String] {
    var problems: [String] = []
    let bytes = files.values.reduce(0) { $0 + $1.count }
    if bytes > DeclaredFiles.byteLimit {
      problems.append("the files have \(bytes) bytes together, more than the 1 MiB that is taken")
    }
    for path in files.keys.sorted() where path != DeclaredFiles.fleet && !DeclaredFiles.isModuleFile(path) {
      if DeclaredFiles.isStackSecret(path) {
        problems.append(
          "\(displayable(path, limit: 120)): values of secrets do not belong here; bootstead machine secret")
      } else if DeclaredFiles.machineName(path) == nil, !DeclaredFiles.isStackFile(path) {
        problems.append(
          "\(displayable(path, limit: 120)): expected fleet.json, machines/NAME.json, modules/NAME.nix or a file of "
            + "stacks/NAME, each name of letters, digits, '.', '_' and '-'")
      }
    }
    return problems
  }

  /// The machine that a file declares.
  static func machineName(_ path: String) -> MachineName? {
    guard path.hasPrefix("machines/"), path.hasSuffix(".json") else { return nil }
    return try? MachineName(String(path.dropFirst(9).dropLast(5)))
  }

  static func isModuleFile(_ path: String) -> Bool {
    path.utf8.count <= 200 && path.wholeMatch(of: /modules(\/[A-Za-z0-9_][A-Za-z0-9_.\-]*)+/) != nil
  }

  /// A file of a stack of the operator's own.
  static func isStackFile(_ path: String) -> Bool {
    path.utf8.count <= 200
      && path.wholeMatch(of: /stacks\/[a-z0-9][a-z0-9\-]{0,62}(\/[A-Za-z0-9_][A-Za-z0-9_.\-]*)+/) != nil
  }

  /// What lies there are values for trying a stack out.
  static func isStackSecret(_ path: String) -> Bool { path.wholeMatch(of: /stacks\/[^\/]+\/secrets(\/.*)?/) != nil }

  /// The stacks of the operator's own, by name.
  var ownStacks: Set<String> {
    Set(files.keys.filter(DeclaredFiles.isStackFile).map { String($0.dropFirst(7).prefix { $0 != "/" }) })
  }

  /// The last declaration that was applied.
  static func stored(in database: Database) throws -> AppliedDeclaration? {
    guard let row = try Row.fetchOne(database, sql: "SELECT at, digest, files FROM declaration") else { return nil }
    return AppliedDeclaration(
      at: row["at"], digest: row["digest"], files: try JSONDecoder().decode([String: Data].self, from: row["files"]))
  }

  func store(in database: Database, now: Date) throws {
    try database.execute(
      sql: "INSERT OR REPLACE INTO declaration (id, at, digest, files) VALUES (1, ?, ?, ?)",
      arguments: [now, digest, try JSONEncoder().encode(files)])
  }
}

/// The last declaration that was applied, as it was.
public struct AppliedDeclaration: Codable, Sendable {
  public var at: Date
  public var digest: String
  public var files: [String: Data]
}
