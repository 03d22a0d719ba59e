import Foundation
import GRDB

/// A build of a machine's system, as it was published.
public struct RecordedBuild: Codable, Sendable, FetchableRecord {
  public var at: Date
  /// SHA-256 of the flake, hexadecimal.
  public var flake: String
  /// The revision of nixpkgs.
  public var nixpkgs: String?
  /// The store path.
  public var closure: String
}

extension Fleet {
  /// Records what was built and published, and makes it the system that the machine is to run.
  public func record(build flake: String, nixpkgs: String?, closure: String, of name: String) async throws {
    try await write { database, now in
      var machine = try find(name, in: database)
      let closure = try checkedClosure(closure)
      try database.execute(
        sql: "INSERT OR REPLACE INTO closure (path, addedAt) VALUES (?, ?)", arguments: [closure, now])
      try database.execute(
        sql: "INSERT INTO build (machine, at, flake, nixpkgs, closure) VALUES (?, ?, ?, ?, ?)",
        arguments: [machine.id, now, flake, nixpkgs, closure])
      try database.execute(
        sql: """
          DELETE FROM build WHERE machine = ? AND id NOT IN
            (SELECT id FROM build WHERE machine = ? ORDER BY id DESC LIMIT 50)
          """, arguments: [machine.id, machine.id])
      machine.closure = closure
      machine.noteDrift(now)
      try machine.update(database)
      try record(
        "built \(closure)", of: machine, kind: "setting",
        detail: "flake \(flake), nixpkgs \(nixpkgs ?? "not known")", in: database, now: now)
    }
  }

  func lastBuild(of machine: Machine, in database: Database) throws -> RecordedBuild? {
    try RecordedBuild.fetchOne(
      database, sql: "SELECT at, flake, nixpkgs, closure FROM build WHERE machine = ? ORDER BY id DESC LIMIT 1",
      arguments: [machine.id])
  }
}
