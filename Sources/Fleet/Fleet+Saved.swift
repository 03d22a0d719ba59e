import AgentProtocol
import Foundation
import GRDB

/// What the appliance keeps of a machine's disks from before a rebuild.
public struct SavedState: Codable, Sendable, FetchableRecord {
  public var at: Date
  /// The install that it was saved for.
  public var install: String
  public var state: SavedDiskState
}

extension Fleet {
  /// So many states of the disks are kept of each install, and of so many installs of each machine.
  package static let savedPerInstall = 4
  package static let savedInstalls = 8

  /// The agent gives what it found on the disks, before it writes to them.
  public func saved(_ state: SavedDiskState, signed request: SignedRequest) async throws {
    try await handleCurrent(request) { database, now, machine in
      guard state.task == machine.install, machine.state == .installing else {
        throw AgentRefusal(code: .notExpected, message: "this is not the install that was ordered")
      }
      let content = Data(try MessageCoder.encode(state))
      let last = try Data.fetchOne(
        database, sql: "SELECT content FROM savedState WHERE machine = ? ORDER BY id DESC LIMIT 1",
        arguments: [machine.id])
      if last == content { return }
      try database.execute(
        sql: "INSERT INTO savedState (machine, install, at, content) VALUES (?, ?, ?, ?)",
        arguments: [machine.id, machine.install, now, content])
      try record(
        "saved the partition tables of \(state.partitionTables.count) disks and the metadata of "
          + "\(state.volumeGroups.count) volume groups", of: machine, kind: "saved", in: database, now: now)
      // The first of an install shows the disks as they were before anything was written: it stays.
      try database.execute(
        sql: """
          DELETE FROM savedState WHERE machine = ? AND install = ?
            AND id <> (SELECT min(id) FROM savedState WHERE machine = ? AND install = ?)
            AND id NOT IN (SELECT id FROM savedState WHERE machine = ? AND install = ? ORDER BY id DESC LIMIT ?)
          """,
        arguments: [
          machine.id, machine.install, machine.id, machine.install, machine.id, machine.install,
          Fleet.savedPerInstall - 1,
        ])
      try database.execute(
        sql: """
          DELETE FROM savedState WHERE machine = ? AND install NOT IN
            (SELECT install FROM savedState WHERE machine = ? GROUP BY install ORDER BY max(id) DESC LIMIT ?)
          """, arguments: [machine.id, machine.id, Fleet.savedInstalls])
    }
  }

  /// What was saved of the machine's disks, oldest first.
  public func savedStates(of name: String) async throws -> [SavedState] {
    try await database.read { database in
      let machine = try find(name, in: database)
      let rows = try Row.fetchAll(
        database, sql: "SELECT at, install, content FROM savedState WHERE machine = ? ORDER BY id",
        arguments: [machine.id])
      return try rows.map { row in
        let content: Data = row["content"]
        return SavedState(
          at: row["at"], install: row["install"],
          state: try MessageCoder.decode(SavedDiskState.self, from: Array(content)))
      }
    }
  }

  /// The end of a rebuild: the data volumes as they were before its first write against what they are now.
  func compare(_ report: InstalledReport, of machine: inout Machine, in database: Database, now: Date) throws {
    let first = try Data.fetchOne(
      database, sql: "SELECT content FROM savedState WHERE machine = ? AND install = ? ORDER BY id LIMIT 1",
      arguments: [machine.id, machine.install])
    let saved = try first.map { try MessageCoder.decode(SavedDiskState.self, from: Array($0)).fingerprints } ?? []
    let before = saved.isEmpty ? report.before ?? [] : saved
    let after = report.after ?? []
    guard !before.isEmpty || !after.isEmpty else {
      machine.comparison = nil
      return
    }
    let comparison = DataComparison(before: before, after: after, at: now)
    machine.comparison = comparison
    if comparison.isEqual {
      let count = before.count
      try record(
        "the data is what it was: \(count) \(count == 1 ? "volume" : "volumes") with the same fingerprint before and "
          + "after", of: machine, kind: "progress", in: database, now: now)
    } else {
      try record(
        "THE DATA DIFFERS: \(comparison.differences.joined(separator: "; "))", of: machine, kind: "alarm", in: database,
        now: now)
    }
  }
}
