import AgentProtocol
import Foundation
import GRDB

extension Fleet {
  /// Seconds between reports of a node, at most.
  public static let reportInterval = 60

  /// The installed node reports with its own key: this, and nothing else, makes a machine active.
  /// - Parameter cachePublicKeys: sign what the node may fetch; without any it is not told to change its system.
  /// - Returns: what the node is to do.
  @discardableResult
  public func report(
    _ report: NodeReport, signed request: SignedRequest, cachePublicKeys: [String] = []
  ) async throws -> NodeOrders {
    try await write { database, now in
      guard
        // Its name may have changed since, or belong to another machine by now.
        var machine = try Machine.filter(sql: "nodeKey = ?", arguments: [report.nodeKey.description])
          .order(sql: "name = ? DESC", arguments: [report.machineName]).fetchOne(database),
        let key = machine.nodeKey, request.session == SessionIdentifier(node: key)
      else { throw AgentRefusal(code: .unknownSession, message: "no machine is known by this node's key") }
      try request.verify(by: key)
      var counter = SessionCounter(last: UInt64(machine.nodeCounter))
      try counter.accept(request.counter)
      machine.nodeCounter = try stored(request.counter)
      machine.runningClosure = displayable(report.closure, limit: 300)
      machine.noteDrift(now)
      machine.lastSeen = now
      machine.reportedAt = now
      let started = displayable(report.bootIdentifier, limit: 64)
      try follow(&machine, started, in: database, now: now)
      machine.bootIdentifier = started
      // A node of before speaks while the next install is armed or was begun: that changes nothing of it.
      let isNode = machine.finishedInstall == machine.install
      if isNode, machine.state != .active, MachineTransition.report.next(from: machine.state) != nil {
        machine.bootsWithoutReport = []
        try change(&machine, by: .report, "the node runs \(report.closure)", in: database, now: now)
      } else {
        if machine.state == .active { machine.bootsWithoutReport = [] }
        try machine.update(database)
      }
      let secrets = try secretOrders(for: machine, held: report.secrets, in: database, now: now)
      let asked = try follow(report.tasks, of: machine, in: database, now: now)
      try follow(report.alarms, of: machine, in: database, now: now)
      try followRestore(of: &machine, in: database, now: now)
      try followMoves(of: machine, in: database, now: now)
      return NodeOrders(
        nextReport: asked.nextReport, networkBoot: machine.networkBoot?.identifier,
        rollout: try follow(report.rollout, of: machine, keys: cachePublicKeys, in: database, now: now),
        secrets: secrets.delivered, obsoleteSecrets: secrets.obsolete,
        task: asked.order)
    }
  }

  /// What became of the order to start from the network.
  private func follow(_ machine: inout Machine, _ started: String, in database: Database, now: Date) throws {
    guard var order = machine.networkBoot else { return }
    if let before = order.bootIdentifier, before != started {
      machine.networkBoot = nil
      let text =
        order.deliveredAt == nil
        ? "the node was started anew before it heard the order to start from the network"
        : "the node was told to start from the network, and came up from its own disk"
      try record(text, of: machine, kind: "alarm", in: database, now: now)
      return
    }
    order.bootIdentifier = started
    if order.deliveredAt == nil {
      order.deliveredAt = now
      try record("the node was told to start from the network", of: machine, kind: "progress", in: database, now: now)
    }
    machine.networkBoot = order
  }
}
