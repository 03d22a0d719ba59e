import AgentProtocol
import Foundation
import GRDB

extension Fleet {
  /// The choices of a machine as files declare them. Nothing changes.
  public func declaredStacks(of name: String, in files: DeclaredFiles, rules: DeclarationRules) async throws
    -> DeclaredStacks
  {
    let declaration = try Declaration(files, rules: rules)
    return try await database.read { database in
      var machine = try find(name, in: database)
      guard let declared = declaration.machines.first(where: { $0.name == machine.name }) else {
        throw FleetError.conflict("machines/\(machine.name).json: there is no such file, so nothing can be given to it")
      }
      machine.role = declared.roles.isEmpty ? nil : declared.roles.joined(separator: ",")
      (machine.stacks, machine.choices) = (declared.stacks, declared.choices)
      machine.layout = declared.layout ?? machine.layout
      return DeclaredStacks(choices: StackChoices(machine), files: files)
    }
  }

  /// What a move would do. Nothing changes.
  /// - Parameters:
  ///   - here: the stack as it is compiled for the source now.
  ///   - there: the stack as it will be compiled for the target, and what that is compiled from.
  /// - Throws: ``FleetError/conflict(_:)`` with everything that stands against it.
  public func planMove(
    _ request: StackMoveRequest, here: StackMoveSide, there: StackMoveSide, declared: StackChoices
  ) async throws -> StackMovePlan {
    try await database.read { database in
      try movePlan(request, here: here, there: there, declared: declared, in: database)
    }
  }

  /// Begins a move that was consented to.
  public func beginMove(
    _ request: StackMoveRequest, here: StackMoveSide, there: StackMoveSide, declared: StackChoices
  ) async throws -> StackMove {
    try await write { database, now in
      let plan = try movePlan(request, here: here, there: there, declared: declared, in: database)
      guard plan.digest == request.digest else {
        throw FleetError.conflict("something changed since the plan that you consented to, and nothing was begun")
      }
      let (source, target) = (try find(request.source, in: database), try find(request.target, in: database))
      for var old in try openMoves(of: source, in: database)
      where old.move.state == .restored && old.move.stack == plan.stack {
        try end(&old, .moved, in: database, now: now)
      }
      let move = StackMove(plan, startedAt: now)
      guard let sourceID = source.id, let targetID = target.id else { throw FleetError.noSuchMachine(plan.target) }
      var row = StoredMove(identifier: move.identifier, source: sourceID, target: targetID, move: move)
      try row.insert(database)
      for machine in [source, target] {
        try record(
          "the operator consented to moving '\(plan.stack)' from \(plan.source) to \(plan.target)", of: machine,
          kind: "consent", detail: plan.text, in: database, now: now)
      }
      return move
    }
  }

  /// All that have not ended, and the last ones that have; the newest first.
  public func moves() async throws -> [StackMove] {
    try await database.read { database in
      try StoredMove.order(sql: "endedAt IS NOT NULL, id DESC").limit(100).fetchAll(database)
        .map { try named($0, in: database) }
    }
  }

  public func move(_ identifier: String) async throws -> StackMove {
    try await database.read { database in try named(find(move: identifier, in: database), in: database) }
  }

  /// The declaration has the stack at the target now: gives it the secrets, and has the move go on.
  public func noteDeclared(_ identifier: String) async throws -> StackMove {
    try await write { database, now in
      var row = try find(move: identifier, in: database)
      guard row.move.state == .copied else { return try named(row, in: database) }
      let (source, target) = try machines(of: row, in: database)
      guard target.stacks.contains(row.move.stack), !source.stacks.contains(row.move.stack) else {
        throw FleetError.conflict(
          "'\(row.move.stack)' is not declared at \(target.name) alone yet: \(try named(row, in: database).next ?? "")")
      }
      for secret in row.move.secrets {
        try database.execute(
          sql: """
            INSERT OR IGNORE INTO secret (machine, name, value, firstUse, revision)
              SELECT ?, ?, value, firstUse, lower(hex(randomblob(8))) FROM secret WHERE machine = ? AND name = ?
            """, arguments: [target.id, secret.to, source.id, secret.from])
        if database.changesCount > 0 {
          try record(
            "secret '\(secret.to)' set, as \(source.name) has it", of: target, kind: "setting", in: database, now: now)
        }
      }
      row.move.state = .waiting
      (row.move.sourceSystem, row.move.targetSystem) = (source.runningClosure, target.runningClosure)
      try row.update(database)
      return try named(row, in: database)
    }
  }

  /// Has a move that stands still go on from where it is.
  public func continueMove(_ identifier: String) async throws -> StackMove {
    try await write { database, now in
      var row = try find(move: identifier, in: database)
      guard row.move.isHeld else { return try named(row, in: database) }
      (row.move.isHeld, row.move.attempts, row.move.notBefore, row.move.reason) = (false, 0, nil, nil)
      try row.update(database)
      return try named(row, in: database)
    }
  }

  /// Takes a move back: the stack is started at the source, whose data was never touched.
  /// - Throws: ``FleetError/conflict(_:)`` while the target works on it, where it runs there already, and where the
  ///   declaration still has it at the target.
  public func abortMove(_ identifier: String) async throws -> StackMove {
    try await write { database, now in
      var row = try find(move: identifier, in: database)
      let (source, target) = try machines(of: row, in: database)
      let stack = row.move.stack
      guard row.move.isOpen, row.move.state != .restored else {
        throw FleetError.conflict(
          "'\(stack)' is not on its way any more; to move it back: bootstead stack move \(stack) --from \(target.name) --to "
            + "\(source.name) -f DIR")
      }
      if !row.move.state.isBeforeDeclaration {
        guard source.stacks.contains(stack), !target.stacks.contains(stack) else {
          throw FleetError.conflict(
            "the declaration gives '\(stack)' to \(target.name): bootstead stack move \(stack) --from \(source.name) --to "
              + "\(target.name) -f DIR --abort gives it back")
        }
      }
      if var task = try MachineTask.filter(sql: "identifier = ?", arguments: [row.move.task]).fetchOne(database),
        !task.state.isFinal
      {
        if task.state == .queued {
          try end(&task, .cancelled, "its move was taken back", in: database, now: now)
        } else if task.machine == row.target {
          throw FleetError.conflict(
            "\(target.name) works on it ('\(task.task)'): wait for its end, bootstead task show \(task.identifier)")
        }
      }
      if !row.move.state.isBeforeDeclaration, target.runningClosure != row.move.targetSystem {
        try ask(target, to: .stop, stack, in: database, now: now)
      }
      try ask(source, to: .start, stack, in: database, now: now)
      try end(&row, .aborted, in: database, now: now)
      return try named(row, in: database)
    }
  }

  // MARK: Parts

  private func find(move identifier: String, in database: Database) throws -> StoredMove {
    guard let row = try StoredMove.filter(sql: "identifier = ?", arguments: [identifier]).fetchOne(database) else {
      throw FleetError.notFound(kind: "move", name: displayable(identifier, limit: 80))
    }
    return row
  }

  func machines(of row: StoredMove, in database: Database) throws -> (source: Machine, target: Machine) {
    guard let source = try Machine.filter(sql: "id = ?", arguments: [row.source]).fetchOne(database),
      let target = try Machine.filter(sql: "id = ?", arguments: [row.target]).fetchOne(database)
    else { throw FleetError.notFound(kind: "machine of the move", name: row.identifier) }
    return (source, target)
  }

  /// With the machines' names of now.
  func named(_ row: StoredMove, in database: Database) throws -> StackMove {
    let (source, target) = try machines(of: row, in: database)
    var move = row.move
    (move.source, move.target) = (source.name.text, target.name.text)
    return move
  }

  /// From it or to it.
  func openMoves(of machine: Machine, in database: Database) throws -> [StoredMove] {
    try StoredMove.filter(
      sql: "(source = ? OR target = ?) AND endedAt IS NULL", arguments: [machine.id, machine.id]
    ).order(sql: "id").fetchAll(database)
  }
}
