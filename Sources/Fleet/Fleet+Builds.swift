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
  /// ``MachineConfiguration/layoutDigest`` of what it was built from; nil where that was not recorded.
  public var layout: String?
  /// The machine built it itself, in its install: the appliance's cache does not have it.
  public var onMachine: Bool
  /// ``MachineConfiguration/clusterJoin`` of what it was built from.
  public var clusterJoin: String?
}

extension Fleet {
  /// Records what was built and published, and makes it the system that the machine is to run.
  /// - Parameters:
  ///   - layout: ``MachineConfiguration/layoutDigest`` of what it was built from.
  ///   - clusterJoin: ``MachineConfiguration/clusterJoin`` of what it was built from.
  public func record(
    build flake: String, nixpkgs: String?, closure: String, layout: String, clusterJoin: String? = nil, of name: String
  ) async throws {
    try await write { database, now in
      var machine = try find(name, in: database)
      let closure = try checkedClosure(closure)
      try database.execute(
        sql: "INSERT OR REPLACE INTO closure (path, addedAt) VALUES (?, ?)", arguments: [closure, now])
      try insert(
        RecordedBuild(
          at: now, flake: flake, nixpkgs: nixpkgs, closure: closure, layout: layout, onMachine: false,
          clusterJoin: clusterJoin),
        of: machine, in: database)
      machine.closure = closure
      machine.noteDrift(now)
      if machine.planRefusal == Fleet.otherLayout(of: machine) { machine.planRefusal = nil }
      try machine.update(database)
      try record(
        "built \(closure)", of: machine, kind: "setting",
        detail: "flake \(flake), nixpkgs \(nixpkgs ?? "not known")", in: database, now: now)
    }
  }

  func insert(_ build: RecordedBuild, of machine: Machine, in database: Database) throws {
    try database.execute(
      sql: """
        INSERT INTO build (machine, at, flake, nixpkgs, closure, layout, onMachine, clusterJoin)
        VALUES (?, ?, ?, ?, ?, ?, ?, ?)
        """,
      arguments: [
        machine.id, build.at, build.flake, build.nixpkgs, build.closure, build.layout, build.onMachine,
        build.clusterJoin,
      ])
    try database.execute(
      sql: """
        DELETE FROM build WHERE machine = ? AND id NOT IN
          (SELECT id FROM build WHERE machine = ? ORDER BY id DESC LIMIT 50)
        """, arguments: [machine.id, machine.id])
  }

  func lastBuild(of machine: Machine, in database: Database) throws -> RecordedBuild? {
    try RecordedBuild.fetchOne(
      database,
      sql:
        "SELECT at, flake, nixpkgs, closure, layout, onMachine, clusterJoin FROM build WHERE machine = ? ORDER BY id DESC LIMIT 1",
      arguments: [machine.id])
  }

  /// Why the system that the machine is set to is not installed on a layout: it was built from the machine's flake for
  /// another one. Nothing is known of what systems fit that came in another way.
  func refusal(of closure: String, on configuration: MachineConfiguration, of machine: Machine, in database: Database)
    throws -> String?
  {
    guard let built = try layout(of: closure, of: machine, in: database), built != (try configuration.layoutDigest)
    else { return nil }
    return Fleet.otherLayout(of: machine)
  }

  /// The digest of the layout that a system of this machine was built for; nil where that is not known.
  func layout(of closure: String, of machine: Machine, in database: Database) throws -> String? {
    try String.fetchOne(
      database,
      sql: """
        SELECT layout FROM build WHERE machine = ? AND closure = ? AND layout IS NOT NULL ORDER BY id DESC LIMIT 1
        """, arguments: [machine.id, closure])
  }

  static func otherLayout(of machine: Machine) -> String {
    "the closure was built for another layout; run: bootstead build \(machine.name)"
  }
}
