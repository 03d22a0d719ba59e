import AgentProtocol
import Foundation
import GRDB

extension Fleet {
  /// Ends what time has ended although nobody asks: armings whose window is over, and take-overs whose installer was
  /// never heard of, because the machine's watchdog took it back to its old system or because it is off.
  /// - Parameter takeoverSilence: in seconds from the take-over's begin, after which nothing comes any more.
  /// - Returns: the names of the machines whose state changed.
  @discardableResult
  public func endOverdue(takeoverSilence: TimeInterval) async throws -> [MachineName] {
    let before = now()
    // Most of the time there is nothing to write.
    let isAnything = try await database.read { database in
      try !Fleet.overArmings(before).isEmpty(database)
        || !Fleet.silentTakeovers(before.addingTimeInterval(-takeoverSilence), in: database).isEmpty
    }
    guard isAnything else { return [] }
    return try await write { database, now in
      var changed: [MachineName] = []
      for var machine in try Fleet.overArmings(now).fetchAll(database) {
        try disarm(&machine, in: database, now: now)
        changed.append(machine.name)
      }
      for var machine in try Fleet.silentTakeovers(now.addingTimeInterval(-takeoverSilence), in: database) {
        try change(
          &machine, by: .arm,
          "nothing was heard of its installer after the take-over: it is back in its old system, or off; 'bootstead kexec' tries again",
          in: database, now: now)
        changed.append(machine.name)
      }
      return changed
    }
  }

  private static func overArmings(_ now: Date) -> QueryInterfaceRequest<Machine> {
    Machine.filter(sql: "state IN ('armed', 'booting') AND armedUntil < ?", arguments: [now])
  }

  /// Machines whose last boot is a take-over from before `limit` that no agent has claimed.
  private static func silentTakeovers(_ limit: Date, in database: Database) throws -> [Machine] {
    try Machine.fetchAll(
      database,
      sql: """
        SELECT machine.* FROM machine
        JOIN takeover ON takeover.machine = machine.id
        JOIN boot ON boot.nonce = takeover.nonce
        WHERE machine.state = 'booting' AND boot.at < ?
          AND NOT EXISTS (SELECT 1 FROM claim WHERE claim.nonce = boot.nonce)
          AND NOT EXISTS (SELECT 1 FROM boot AS later WHERE later.machine = machine.id AND later.at > boot.at)
        """, arguments: [limit])
  }
}
