import AgentProtocol
import Foundation
import GRDB

/// What an install puts on the disk.
enum InstalledSystem {
  /// A store path of the appliance's cache.
  case closure(String)
  /// What the machine builds from its flake.
  case flake
  /// Nothing, for this reason.
  case none(String)
}

extension Fleet {
  func system(of machine: Machine, in database: Database) throws -> InstalledSystem {
    let builds = machine.inventory?.buildsSystems == true
    let advice =
      "bootstead build \(machine.name), or bootstead machine set \(machine.name) --closure STORE_PATH; with the NixOS "
      + "installer as its --image the machine builds its system itself"
    guard let closure = machine.closure else {
      return builds ? .flake : .none("no system chosen: \(advice)")
    }
    guard try isBuiltOnMachine(closure, of: machine, in: database) else { return .closure(closure) }
    return builds
      ? .flake : .none("its system was built on the machine itself, and this image has no Nix: \(advice)")
  }

  private func isBuiltOnMachine(_ closure: String, of machine: Machine, in database: Database) throws -> Bool {
    try Bool.fetchOne(
      database, sql: "SELECT onMachine FROM build WHERE machine = ? AND closure = ? ORDER BY id DESC LIMIT 1",
      arguments: [machine.id, closure]) ?? false
  }

  /// Records the system that the machine has built in its install, unless the operator has set another one meanwhile.
  func note(_ report: InstalledReport, of machine: inout Machine, in database: Database, now: Date) throws {
    guard let flake = report.flake else { return }
    if let closure = machine.closure, try !isBuiltOnMachine(closure, of: machine, in: database) { return }
    guard flake.wholeMatch(of: /[0-9a-f]{64}/) != nil else {
      throw AgentRefusal(code: .malformed, message: "the report's flake is no SHA-256")
    }
    let closure = try checkedClosure(report.closure)
    try insert(
      RecordedBuild(at: now, flake: flake, nixpkgs: nil, closure: closure, layout: nil, onMachine: true), of: machine,
      in: database)
    machine.closure = closure
  }

  /// The agent waits for a reason that was found outside of the registry.
  public func wait(of name: MachineName, for reason: String) async throws {
    try await write { database, now in
      var machine = try find(name.text, in: database)
      machine.planRefusal = reason
      try machine.update(database)
      // The agent asks every few seconds.
      let text = "not installed: \(displayable(reason, limit: 1000))"
      let last = try String.fetchOne(
        database, sql: "SELECT text FROM event WHERE machine = ? ORDER BY id DESC LIMIT 1", arguments: [machine.id])
      if last != text { try record(text, of: machine, kind: "refusal", in: database, now: now) }
    }
  }
}
