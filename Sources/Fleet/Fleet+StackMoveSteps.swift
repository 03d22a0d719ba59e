import AgentProtocol
import Foundation
import GRDB

extension Fleet {
  /// Seconds until a step of a move that failed is tried again.
  static let moveRetry: TimeInterval = 60

  /// Takes the next step of each move of a machine. Called with each report of its node. All that is known is in the
  /// registry, so that the appliance may end at any point.
  func followMoves(of machine: Machine, in database: Database, now: Date) throws {
    guard machine.state == .active, machine.finishedInstall == machine.install else { return }
    for var row in try openMoves(of: machine, in: database) where !row.move.isHeld {
      let before = row.move
      if row.source == machine.id {
        try stepSource(&row, machine, in: database, now: now)
      } else {
        try stepTarget(&row, machine, in: database, now: now)
      }
      if row.move != before { try row.update(database) }
    }
  }

  // MARK: At the source

  private func stepSource(_ row: inout StoredMove, _ machine: Machine, in database: Database, now: Date) throws {
    let stack = try StackName(row.move.stack)
    switch row.move.state {
    case .stopping:
      guard let task = try carryOut(.stack(.stop, StackTarget(stack)), &row, machine, in: database, now: now) else {
        return
      }
      guard task.state == .succeeded else { return try undo(&row, task, nil, machine, in: database, now: now) }
      advance(&row, to: row.move.copiesData ? .copying : .copied)
    case .copying:
      guard let plan = row.move.sourcePlan,
        let task = try carryOut(.backUp(BackupPlanName(plan), [stack]), &row, machine, in: database, now: now)
      else { return }
      let result = MovedBackup.of(row.move.stack, in: task.output)
      guard task.state == .succeeded, let result, result.outcome == "succeeded", let archive = result.archive,
        (try? ArchiveName(archive)) != nil
      else { return try undo(&row, task, result?.problem, machine, in: database, now: now) }
      (row.move.archive, row.move.bytes) = (archive, result.originalBytes)
      advance(&row, to: .copied)
      try record(named(row, in: database).standing, of: machine, kind: "progress", in: database, now: now)
    case .restored:
      guard let running = machine.runningClosure, running != row.move.sourceSystem else { return }
      try end(&row, .moved, in: database, now: now)
    case .copied, .waiting, .preparing, .listing, .restoring, .moved, .failed, .aborted: break
    }
  }

  /// What was cut off is begun again. Otherwise the stack is started where it is, and the move has ended.
  private func undo(
    _ row: inout StoredMove, _ task: MachineTask, _ problem: String?, _ machine: Machine,
    in database: Database, now: Date
  ) throws {
    let reason = displayable(problem ?? task.moveProblem, limit: 500)
    if try tryAgain(&row, task, reason, now: now) { return }
    row.move.reason = reason
    try ask(machine, to: .start, row.move.stack, in: database, now: now)
    try end(&row, .failed, in: database, now: now)
  }

  // MARK: At the target

  private func stepTarget(_ row: inout StoredMove, _ machine: Machine, in database: Database, now: Date) throws {
    let stack = try StackName(row.move.stack)
    switch row.move.state {
    case .waiting:
      guard let running = machine.runningClosure, running != row.move.targetSystem else { return }
      advance(&row, to: .preparing)
    case .preparing:
      guard let task = try carryOut(.applyStacks, &row, machine, in: database, now: now) else { return }
      guard let outcomes = MovedOutcome.all(in: task.output) else {
        return try hold(&row, task, nil, machine, in: database, now: now)
      }
      guard let mine = outcomes.first(where: { $0.stack == stack.text }), mine.action != "leftover" else {
        // Its new system is not the one with the stack.
        row.move.targetSystem = machine.runningClosure
        return advance(&row, to: .waiting)
      }
      // Without its data it may well not start. A skipped one has its volumes when what it needs has started.
      if row.move.copiesData, mine.action != "skipped" { return advance(&row, to: .listing) }
      guard ["unchanged", "started"].contains(mine.action) else {
        return try hold(&row, task, mine.problem ?? mine.action, machine, in: database, now: now)
      }
      try runs(&row, machine, in: database, now: now)
    case .listing:
      let plan = try row.move.targetPlan.map { try BackupPlanName($0) }
      guard let task = try carryOut(.listArchives(stack, plan: plan), &row, machine, in: database, now: now) else {
        return
      }
      guard task.state == .succeeded else { return try hold(&row, task, nil, machine, in: database, now: now) }
      guard ArchiveList(task.output ?? "").archives.contains(where: { $0.name == row.move.archive }) else {
        return try hold(
          &row, task, "the repository, as \(machine.name) sees it, does not hold \(row.move.archive ?? "it")", machine,
          in: database, now: now)
      }
      advance(&row, to: .restoring)
    case .restoring:
      guard let archive = row.move.archive else { return }
      let wanted = NodeTask.restore(
        stack, try ArchiveName(archive), plan: try row.move.targetPlan.map { try BackupPlanName($0) })
      guard let task = try carryOut(wanted, &row, machine, in: database, now: now) else { return }
      let outcome = MovedRestore.read(task.output)
      row.move.notes = outcome?.notes ?? []
      guard task.state == .succeeded else {
        return try hold(&row, task, outcome?.problem, machine, in: database, now: now)
      }
      row.move.isVerified = outcome?.isVerified
      try runs(&row, machine, in: database, now: now)
    case .stopping, .copying, .copied, .restored, .moved, .failed, .aborted: break
    }
  }

  private func runs(_ row: inout StoredMove, _ machine: Machine, in database: Database, now: Date) throws {
    advance(&row, to: .restored)
    try record(named(row, in: database).standing, of: machine, kind: "progress", in: database, now: now)
  }

  /// What was cut off, or found somebody else at work, is begun again. All else waits for the operator; the data is at the
  /// source and in the archive.
  private func hold(
    _ row: inout StoredMove, _ task: MachineTask, _ problem: String?, _ machine: Machine, in database: Database,
    now: Date
  ) throws {
    let reason = displayable(problem ?? task.moveProblem, limit: 500)
    if try tryAgain(&row, task, reason, now: now) { return }
    (row.move.isHeld, row.move.reason) = (true, reason)
    for one in [try machines(of: row, in: database).source, machine] {
      try record(named(row, in: database).standing, of: one, kind: "alarm", in: database, now: now)
    }
  }

  // MARK: Parts

  /// Asks the node, once, and gives the task when it has ended.
  private func carryOut(
    _ wanted: NodeTask, _ row: inout StoredMove, _ machine: Machine, in database: Database, now: Date
  ) throws -> MachineTask? {
    if let identifier = row.move.task {
      let task = try MachineTask.filter(sql: "identifier = ?", arguments: [identifier]).fetchOne(database)
      if let task, !task.state.isFinal { return nil }
      row.move.task = nil
      if let task { return task }
      // More tasks ended since than are kept: it is asked again, as each step may be.
    }
    if let time = row.move.notBefore, time > now { return nil }
    do {
      // The operator consented to the move.
      row.move.task = try queue(wanted, wantsJSON: true, consents: true, of: machine, in: database, now: now)
        .identifier.text
    } catch FleetError.conflict(let reason) {
      (row.move.reason, row.move.notBefore) = (reason, now.addingTimeInterval(Self.moveRetry))
    }
    return nil
  }

  private func tryAgain(_ row: inout StoredMove, _ task: MachineTask, _ reason: String, now: Date) throws -> Bool {
    let isBusy = task.messages?.contains("another process works on") == true
    let limit = task.state == .interrupted ? 3 : isBusy ? 30 : row.move.state == .listing ? 5 : 0
    row.move.attempts += 1
    guard row.move.attempts < limit else { return false }
    (row.move.reason, row.move.notBefore) = (reason, now.addingTimeInterval(Self.moveRetry))
    return true
  }

  private func advance(_ row: inout StoredMove, to state: StackMove.State) {
    (row.move.state, row.move.attempts, row.move.notBefore, row.move.reason) = (state, 0, nil, nil)
  }

  func end(_ row: inout StoredMove, _ state: StackMove.State, in database: Database, now: Date) throws {
    (row.move.state, row.move.endedAt, row.endedAt) = (state, now, now)
    try row.update(database)
    let (source, target) = try machines(of: row, in: database)
    for machine in [source, target] {
      try record(
        named(row, in: database).standing, of: machine, kind: state == .failed ? "alarm" : "progress", in: database,
        now: now)
    }
  }

  /// Asks a node to start or stop a stack; where it can not be asked now, that is for the operator.
  func ask(_ machine: Machine, to verb: NodeTask.StackVerb, _ stack: String, in database: Database, now: Date) throws {
    do {
      try queue(
        .stack(verb, StackTarget(StackName(stack))), consents: true, of: machine, in: database, now: now)
    } catch FleetError.conflict(let reason) {
      try record(
        "'\(stack)' could not be asked to \(verb.rawValue): \(reason); later: bootstead stack \(verb.rawValue) "
          + "\(machine.name) \(stack)", of: machine, kind: "alarm", in: database, now: now)
    }
  }
}

extension MachineTask {
  /// Why it did not end well, as short as it can be told.
  fileprivate var moveProblem: String {
    let last = (messages ?? "").split(whereSeparator: \.isNewline).last.map(String.init)
    return reason ?? last ?? standing
  }
}

/// One line of what `backup run --json` prints.
private struct MovedBackup: Decodable {
  var stack: String
  var outcome: String
  var archive: String?
  var originalBytes: UInt64?
  var problem: String?

  static func of(_ stack: String, in text: String?) -> MovedBackup? {
    let all = try? JSONDecoder().decode([MovedBackup].self, from: Data((text ?? "").utf8))
    return all?.first { $0.stack == stack }
  }
}

/// One line of what `stacks apply --json` prints.
private struct MovedOutcome: Decodable {
  var stack: String
  var action: String
  var problem: String?

  /// Nil where it did not come so far as to print any.
  static func all(in text: String?) -> [MovedOutcome]? {
    try? JSONDecoder().decode([MovedOutcome].self, from: Data((text ?? "").utf8))
  }
}

/// What `backup restore --json` prints.
private struct MovedRestore: Decodable {
  var isVerified: Bool
  var problem: String?
  var notes: [String]?

  static func read(_ text: String?) -> MovedRestore? {
    try? JSONDecoder().decode(MovedRestore.self, from: Data((text ?? "").utf8))
  }
}
