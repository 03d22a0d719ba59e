import AgentProtocol
import Foundation
import GRDB

/// The last lines of a machine's agent.
public struct AgentLogTail: Codable, Sendable {
  public var machine: String
  /// The step in which they were written; nil where no agent of it has said anything.
  public var step: String?
  public var at: Date?
  /// At most 200, oldest first.
  public var lines: [String]
}

extension Fleet {
  package static let logLimit = 200

  public func log(of name: String) async throws -> AgentLogTail {
    try await database.read { database in
      let machine = try find(name, in: database)
      guard
        let row = try Row.fetchOne(
          database, sql: "SELECT step, at, lines FROM agentLog WHERE machine = ?", arguments: [machine.id])
      else { return AgentLogTail(machine: machine.name.text, lines: []) }
      let text: String = row["lines"]
      return AgentLogTail(
        machine: machine.name.text, step: row["step"], at: row["at"],
        lines: text.isEmpty ? [] : text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init))
    }
  }

  /// Keeps the newest lines of the agent: a machine that dies without a word leaves them.
  /// - Parameter isWhole: these are the last lines, those before included.
  func keepLog(
    _ lines: [String], step: InstallStep, isWhole: Bool = false, of machine: Machine, in database: Database, now: Date
  ) throws {
    guard !lines.isEmpty else { return }
    var kept: [String] = []
    if !isWhole {
      let former = try String.fetchOne(
        database, sql: "SELECT lines FROM agentLog WHERE machine = ? AND install = ?",
        arguments: [machine.id, machine.install])
      kept = former?.split(separator: "\n", omittingEmptySubsequences: false).map(String.init) ?? []
    }
    // One line each, whatever the agent sent.
    kept += lines.suffix(Fleet.logLimit).map { displayable($0, limit: 500) }
    try database.execute(
      sql: "INSERT OR REPLACE INTO agentLog (machine, install, step, at, lines) VALUES (?, ?, ?, ?, ?)",
      arguments: [
        machine.id, machine.install, step.title, now, kept.suffix(Fleet.logLimit).joined(separator: "\n"),
      ])
  }
}
