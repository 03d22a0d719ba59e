import AgentProtocol
import Foundation
import GRDB

extension Fleet {
  /// Tasks of one machine that may wait at once.
  package static let openTaskLimit = 50
  /// Ended tasks of one machine that are kept, the newest.
  package static let endedTaskLimit = 100

  /// Asks a running node for something; it hears of it with its next report.
  /// - Throws: ``FleetError/conflict(_:)`` for what needs consent and has none, and where no node can answer.
  public func queue(_ request: QueueTask, for name: String) async throws -> TaskDetail {
    try await write { database, now in
      let machine = try find(name, in: database)
      guard [.active, .installed].contains(machine.state) else {
        throw FleetError.conflict(
          "'\(machine.name)' is \(machine.state.rawValue), and only a running node can be asked: "
            + "bootstead machine show \(machine.name)")
      }
      let task = try queue(
        request.task, wantsJSON: request.wantsJSON, consents: request.consents, of: machine, in: database, now: now)
      return try detail(of: task, in: database)
    }
  }

  /// Queues a task for the node of a machine's present install; where that is still to come, for the node that it makes.
  @discardableResult
  func queue(
    _ task: NodeTask, wantsJSON: Bool = false, consents: Bool, of machine: Machine, in database: Database, now: Date
  ) throws -> MachineTask {
    do { try task.check() } catch { throw FleetError.invalidValue(field: "task", reason: error.description) }
    guard consents || !task.isDestructive else {
      throw FleetError.conflict("nobody consented to '\(task)' on '\(machine.name)', and it can not be taken back")
    }
    guard try openTasks(of: machine, in: database).count < Fleet.openTaskLimit else {
      throw FleetError.conflict(
        "'\(machine.name)' has \(Fleet.openTaskLimit) tasks that have not ended: bootstead task list \(machine.name)")
    }
    var row = MachineTask(
      task, wantsJSON: wantsJSON, of: machine, consentedAt: task.isDestructive ? now : nil, now: now)
    try row.insert(database)
    if task.isChange {
      try record(
        "the operator asked for '\(task)'", of: machine, kind: task.isDestructive ? "consent" : "progress",
        in: database, now: now)
    }
    return row
  }

  /// Newest first, without what they printed; at most 500.
  /// - Parameter name: one machine's; all without it.
  public func tasks(of name: String? = nil) async throws -> [TaskDetail] {
    try await database.read { database in
      var request = MachineTask.order(sql: "id DESC").limit(500)
      if let name { request = request.filter(sql: "machine = ?", arguments: [try find(name, in: database).id]) }
      return try request.fetchAll(database).map { task in
        var detail = try detail(of: task, in: database)
        (detail.task.output, detail.task.messages) = (nil, nil)
        return detail
      }
    }
  }

  public func task(_ identifier: String) async throws -> TaskDetail {
    try await database.read { database in try detail(of: find(task: identifier, in: database), in: database) }
  }

  /// Seconds after which a node that said nothing, or nothing of a task that it was told, is taken for silent.
  static let taskSilence = TimeInterval(3 * Fleet.reportInterval)

  /// Takes a task back that the node was not told of, and gives one up whose node went silent, so that others go on.
  /// - Throws: ``FleetError/conflict(_:)`` where it has ended, and where the node is at it.
  public func cancelTask(_ identifier: String) async throws -> TaskDetail {
    try await write { database, now in
      var task = try find(task: identifier, in: database)
      if task.state == .queued {
        try end(&task, .cancelled, "the operator took it back", in: database, now: now)
        return try detail(of: task, in: database)
      }
      guard !task.state.isFinal else {
        throw FleetError.conflict("the task \(task.identifier) has ended already: \(task.standing)")
      }
      let machine = try Machine.filter(sql: "id = ?", arguments: [task.machine]).fetchOne(database)
      let heard = task.state == .delivered ? task.deliveredAt : machine?.reportedAt
      guard now.timeIntervalSince(heard ?? .distantPast) > Self.taskSilence else {
        throw FleetError.conflict(
          "the node has the task \(task.identifier) already, or may have it: bootstead task show \(task.identifier); where "
            + "it says nothing of it for \(Int(Self.taskSilence)) seconds, it can be given up")
      }
      try end(
        &task, .abandoned, "the operator gave it up; the node may have done it, or do it yet", in: database, now: now)
      return try detail(of: task, in: database)
    }
  }

  // MARK: Parts

  private func find(task identifier: String, in database: Database) throws -> MachineTask {
    guard let task = try MachineTask.filter(sql: "identifier = ?", arguments: [identifier]).fetchOne(database) else {
      throw FleetError.notFound(kind: "task", name: displayable(identifier, limit: 80))
    }
    return task
  }

  private func detail(of task: MachineTask, in database: Database) throws -> TaskDetail {
    let machine = try Machine.filter(sql: "id = ?", arguments: [task.machine]).fetchOne(database)
    let ahead =
      task.endedAt == nil
      ? try MachineTask.filter(sql: "machine = ? AND endedAt IS NULL AND id < ?", arguments: [task.machine, task.id])
        .fetchCount(database) : 0
    return TaskDetail(
      task: task, text: "\(task.task)", machine: machine?.name.text ?? "", reportedAt: machine?.reportedAt,
      ahead: ahead)
  }

  /// In the order in which they were queued.
  func openTasks(of machine: Machine, in database: Database) throws -> [MachineTask] {
    try MachineTask.filter(sql: "machine = ? AND endedAt IS NULL", arguments: [machine.id]).order(sql: "id")
      .fetchAll(database)
  }

  func end(
    _ task: inout MachineTask, _ state: MachineTask.State, _ reason: String?, in database: Database, now: Date
  ) throws {
    task.state = state
    task.reason = reason.map { displayable($0, limit: 1000) }
    task.endedAt = now
    try task.update(database)
    try database.execute(
      sql: """
        DELETE FROM nodeTask WHERE machine = ? AND endedAt IS NOT NULL AND id NOT IN
          (SELECT id FROM nodeTask WHERE machine = ? AND endedAt IS NOT NULL ORDER BY id DESC LIMIT ?)
        """, arguments: [task.machine, task.machine, Fleet.endedTaskLimit])
    if case .followLogs = task.task {
      // Somebody who follows asks every few seconds: that is no history.
      try database.execute(
        sql: """
          DELETE FROM nodeTask WHERE machine = ? AND endedAt IS NOT NULL AND id <> ?
            AND task LIKE '%"task":"followLogs"%'
          """, arguments: [task.machine, task.id])
    }
    guard task.task.isChange || state == .interrupted,
      let machine = try Machine.filter(sql: "id = ?", arguments: [task.machine]).fetchOne(database)
    else { return }
    let isGood = state == .succeeded || state == .cancelled
    try record(
      "'\(task.task)' (task \(task.identifier)): \(task.standing)" + (task.reason.map { ": \($0)" } ?? ""),
      of: machine, kind: isGood ? "progress" : "alarm", in: database, now: now)
  }
}
