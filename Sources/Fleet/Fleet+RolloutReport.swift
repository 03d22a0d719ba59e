import AgentProtocol
import Foundation
import GRDB

extension Fleet {
  /// Takes what a node says of the order that it got, and gives it the one that waits for it.
  /// - Parameter keys: of the appliance's cache.
  func follow(
    _ report: RolloutReport?, of machine: Machine, keys: [String], in database: Database, now: Date
  ) throws -> RolloutOrder? {
    if let report { try take(report, of: machine, in: database, now: now) }
    guard machine.state == .active, !keys.isEmpty, var order = try openRollouts(of: machine, in: database).first
    else { return nil }
    if let identifier = order.canary {
      let canary = try Rollout.filter(sql: "identifier = ?", arguments: [identifier]).fetchOne(database)
      guard let canary else {
        try end(&order, .cancelled, "the canary is no machine any more", in: database, now: now)
        return nil
      }
      guard canary.result == .succeeded else { return nil }
    }
    if order.deliveredAt == nil {
      order.deliveredAt = now
      try order.update(database)
      try record(
        "the node was told to change to \(order.closure)", of: machine, kind: "progress", in: database, now: now)
    }
    return RolloutOrder(
      identifier: order.identifier, closure: order.closure, cachePublicKeys: keys, units: order.units,
      healthSeconds: order.healthSeconds)
  }

  /// An order that has ended, or is another machine's, is not changed by what a node says.
  private func take(_ report: RolloutReport, of machine: Machine, in database: Database, now: Date) throws {
    guard
      var order = try Rollout.filter(
        sql: "machine = ? AND identifier = ? AND endedAt IS NULL", arguments: [machine.id, report.order]
      ).fetchOne(database)
    else { return }
    let reason = report.reason.map { displayable($0, limit: 1000) }
    switch report.state {
    case .fetching, .switching: break
    case .succeeded where machine.runningClosure != order.closure:
      try end(
        &order, .failed, "the node says that it changed, and runs \(machine.runningClosure ?? "nothing")",
        in: database, now: now)
    case .succeeded: try end(&order, .succeeded, reason, in: database, now: now)
    case .rolledBack: try end(&order, .rolledBack, reason, in: database, now: now)
    case .failed: try end(&order, .failed, reason, in: database, now: now)
    }
  }

  /// Ends an order; where it was a canary's, those that wait for it end with its failure.
  func end(_ order: inout Rollout, _ result: Rollout.Result, _ reason: String?, in database: Database, now: Date) throws
  {
    order.result = result
    order.reason = reason
    order.endedAt = now
    try order.update(database)
    if let machine = try Machine.filter(sql: "id = ?", arguments: [order.machine]).fetchOne(database) {
      let isGood = result == .succeeded || result == .superseded
      try record(
        "the change to \(order.closure): \(result.rawValue)" + (reason.map { ": \($0)" } ?? ""), of: machine,
        kind: isGood ? "progress" : "alarm", in: database, now: now)
    }
    guard result != .succeeded else { return }
    let waiting = Rollout.filter(sql: "canary = ? AND endedAt IS NULL", arguments: [order.identifier])
    for var other in try waiting.fetchAll(database) {
      try end(&other, .cancelled, "the canary's change: \(result.rawValue)", in: database, now: now)
    }
  }
}
