import AgentProtocol
import DiskLayout
import Foundation
import GRDB

extension Fleet {
  /// Seconds until something that could not be asked is asked again.
  static let restoreRetry: TimeInterval = 60
  /// How often the node is asked to bring its stacks up: its own start of them may take as long.
  static let preparationLimit = 60
  /// How often a repository is asked for its archives.
  static let listingLimit = 5
  /// How often a restore that the node did not come to, or not to the end of, is begun.
  static let restoreLimit = 30

  // MARK: With the rebuild

  /// Keeps the wish with the rebuild. What an earlier one left undone stays undone, which is said.
  func setRestore(
    _ restores: [StackRestore]?, of machine: inout Machine, in database: Database, now: Date
  ) throws {
    if let old = machine.restore, old.isOpen, old.installedAt != nil {
      let open = old.stacks.filter(\.state.isOpen).map(\.stack).joined(separator: ", ")
      try record(
        "a new rebuild ends the restore of \(open), which was not done", of: machine, kind: "alarm", in: database,
        now: now)
    }
    machine.restore = restores.map { DataRestore(install: machine.install, wishedAt: now, stacks: $0) }
  }

  /// The rebuild's install is done: what was really lost is known now.
  func settleRestore(of machine: inout Machine, in database: Database, now: Date) throws {
    guard var restore = machine.restore, restore.isOpen, restore.install == machine.install, let plan = machine.plan
    else { return }
    restore.installedAt = now
    let planner = RestorePlanner(machine, plan: plan, isGroupKept: plan.volumeGroup.kept != nil)
    restore.stacks = restore.stacks.map { old in
      var new = planner.restore(
        StackData(stack: old.stack, folders: old.folders, classes: old.classes, placements: old.placements))
      if new.state == .planned { new.state = .waiting }
      return new
    }
    let waiting = restore.stacks.filter { $0.state == .waiting }.map(\.stack)
    let spared = restore.stacks.filter { $0.state == .survived }.map(\.stack)
    if !spared.isEmpty {
      try record(
        "the data of \(spared.joined(separator: ", ")) is where it was, and nothing is restored over it", of: machine,
        kind: "progress", in: database, now: now)
    }
    if !waiting.isEmpty {
      try record(
        "the data of \(waiting.joined(separator: ", ")) is restored once the node is active", of: machine,
        kind: "progress", in: database, now: now)
    }
    for stack in restore.stacks where stack.state == .unseen {
      try record(stack.text, of: machine, kind: "progress", in: database, now: now)
    }
    machine.restore = restore
    if !restore.stacks.contains(where: \.state.isOpen) { try endRestore(of: &machine, in: database, now: now) }
  }

  // MARK: On the running node

  /// Takes the next step of a restore, one stack after the other. Called with each report of the node.
  func followRestore(of machine: inout Machine, in database: Database, now: Date) throws {
    guard machine.state == .active, machine.finishedInstall == machine.install, var restore = machine.restore,
      restore.install == machine.install, restore.installedAt != nil
    else { return }
    let before = restore
    guard restore.isOpen else {
      try noteByHand(&restore, of: machine, in: database, now: now)
      guard restore != before else { return }
      machine.restore = restore
      return try machine.update(database)
    }
    if restore.preparedAt == nil { try prepare(&restore, of: machine, in: database, now: now) }
    if restore.preparedAt != nil { try step(&restore, of: machine, in: database, now: now) }
    guard restore != before else { return }
    machine.restore = restore
    if !restore.stacks.contains(where: \.state.isOpen) { try endRestore(of: &machine, in: database, now: now) }
    try machine.update(database)
  }

  /// Has the node bring its stacks up, which makes their volumes. Its own start of them may still be at it.
  private func prepare(_ restore: inout DataRestore, of machine: Machine, in database: Database, now: Date) throws {
    if let identifier = restore.task {
      let task = try MachineTask.filter(sql: "identifier = ?", arguments: [identifier]).fetchOne(database)
      if let task, !task.state.isFinal { return }
      restore.task = nil
      // With a list of outcomes it ran: a stack that did not start fails alone.
      if let task, task.state == .succeeded || task.output?.contains("\"stack\"") == true {
        restore.preparedAt = now
        return try look(task.output, &restore, of: machine, in: database, now: now)
      }
      restore.attempts += 1
      restore.notBefore = now.addingTimeInterval(Self.restoreRetry)
      if restore.attempts >= Self.preparationLimit {
        restore.preparedAt = now
        try record(
          "the stacks could not be brought up before their data is restored: \(task?.problem ?? "the task is gone")",
          of: machine, kind: "alarm", in: database, now: now)
        try look(nil, &restore, of: machine, in: database, now: now)
      }
      return
    }
    if let time = restore.notBefore, time > now { return }
    restore.task = try queue(.applyStacks, wantsJSON: true, consents: true, of: machine, in: database, now: now)
      .identifier.text
  }

  private func step(_ restore: inout DataRestore, of machine: Machine, in database: Database, now: Date) throws {
    guard let cutoff = restore.installedAt else { return }
    for index in restore.stacks.indices where restore.stacks[index].task != nil {
      try follow(&restore.stacks[index], before: cutoff, of: machine, in: database, now: now)
      if restore.stacks[index].task != nil { return }
    }
    // One that has to wait lets the others go before it.
    let next = restore.stacks.indices.first { index in
      let stack = restore.stacks[index]
      return stack.state == .waiting && stack.notBefore.map { $0 <= now } ?? true
    }
    guard let next else { return }
    try begin(&restore.stacks[next], of: machine, in: database, now: now)
  }

  private func begin(_ stack: inout StackRestore, of machine: Machine, in database: Database, now: Date) throws {
    let task: NodeTask
    do {
      let plan = try stack.plan.map { try BackupPlanName($0) }
      if let archive = stack.archive {
        task = .restore(try StackName(stack.stack), try ArchiveName(archive), plan: plan)
        stack.state = .restoring
      } else {
        task = .listArchives(try StackName(stack.stack), plan: plan)
        stack.state = .listing
      }
    } catch { return try fail(&stack, "\(error)", of: machine, in: database, now: now) }
    // The operator consented to it with the rebuild.
    stack.task = try queue(task, wantsJSON: true, consents: true, of: machine, in: database, now: now).identifier.text
  }

  private func follow(
    _ stack: inout StackRestore, before cutoff: Date, of machine: Machine, in database: Database, now: Date
  ) throws {
    let task = try MachineTask.filter(sql: "identifier = ?", arguments: [stack.task]).fetchOne(database)
    if let task, !task.state.isFinal { return }
    stack.task = nil
    let problem = task?.problem ?? "the task is gone"
    if stack.state == .listing {
      guard let task, task.state == .succeeded else {
        let isAbsent = task?.exitCode == 4
        return try retry(
          &stack, problem, limit: isAbsent ? 0 : Self.listingLimit, of: machine, in: database, now: now)
      }
      guard let archive = ArchiveList(task.output ?? "").latest(before: cutoff) else {
        return try fail(
          &stack, "its repository holds no archive from before the rebuild", of: machine, in: database, now: now)
      }
      (stack.archive, stack.archiveAt) = (archive.name, archive.madeAt)
      (stack.attempts, stack.notBefore, stack.reason) = (0, nil, nil)
      return try begin(&stack, of: machine, in: database, now: now)
    }
    let outcome = RestoreOutcome(task?.output)
    stack.notes = outcome?.notes ?? []
    if task?.state == .succeeded {
      stack.state = .restored
      stack.isVerified = outcome?.isVerified
      (stack.reason, stack.endedAt) = (nil, now)
      return try record("restored: \(stack.text)", of: machine, kind: "progress", in: database, now: now)
    }
    // Archives that are damaged stay so; what was cut off, or found somebody else at work, may end well.
    let isCut = task == nil || task?.state == .interrupted
    let isBusy = outcome == nil && task?.messages?.contains("another process works on") == true
    try retry(
      &stack, outcome?.problem ?? problem, limit: isCut ? 3 : isBusy ? Self.restoreLimit : 0, of: machine,
      in: database, now: now)
  }

  private func retry(
    _ stack: inout StackRestore, _ reason: String, limit: Int, of machine: Machine, in database: Database, now: Date
  ) throws {
    stack.attempts += 1
    guard stack.attempts < limit else { return try fail(&stack, reason, of: machine, in: database, now: now) }
    (stack.state, stack.reason) = (.waiting, displayable(reason, limit: 500))
    stack.notBefore = now.addingTimeInterval(Self.restoreRetry)
  }

  private func fail(
    _ stack: inout StackRestore, _ reason: String, of machine: Machine, in database: Database, now: Date
  ) throws {
    (stack.state, stack.endedAt) = (.failed, now)
    stack.reason = displayable(reason, limit: 500)
    try record(stack.text, of: machine, kind: "alarm", in: database, now: now)
  }

  /// What did not come back then, and did when the operator asked for it later.
  private func noteByHand(_ restore: inout DataRestore, of machine: Machine, in database: Database, now: Date) throws {
    guard !restore.missing.isEmpty, let ended = restore.endedAt, let cutoff = restore.installedAt else { return }
    let before = restore.stacks
    let tasks = try MachineTask.filter(
      sql: "machine = ? AND state = 'succeeded' AND endedAt > ?", arguments: [machine.id, ended]
    ).order(sql: "id").fetchAll(database)
    for task in tasks {
      guard case .restore(let name, let archive, _) = task.task,
        let index = restore.stacks.firstIndex(where: { $0.stack == name.text && $0.isMissing })
      else { continue }
      let outcome = RestoreOutcome(task.output)
      let chosen = outcome?.archive ?? archive.text
      guard let madeAt = ArchiveList.time(in: chosen), madeAt < cutoff else {
        // It holds what the new system began with.
        restore.stacks[index].reason =
          "\(chosen) was restored since then, and its name does not say that it is from before the rebuild"
        continue
      }
      restore.stacks[index].state = .restored
      restore.stacks[index].archive = chosen
      restore.stacks[index].archiveAt = madeAt
      restore.stacks[index].isVerified = outcome?.isVerified
      restore.stacks[index].notes = outcome?.notes ?? []
      (restore.stacks[index].reason, restore.stacks[index].endedAt) = (nil, task.endedAt)
    }
    for (old, new) in zip(before, restore.stacks) where new.isMissing && new.reason != old.reason {
      let advice = restore.advice(machine: "\(machine.name)", of: [new])
      try record(new.text + advice, of: machine, kind: "alarm", in: database, now: now)
    }
  }

  /// Says what came back and what did not. What did not is an alarm.
  private func endRestore(of machine: inout Machine, in database: Database, now: Date) throws {
    machine.restore?.endedAt = now
    guard let restore = machine.restore else { return }
    for stack in restore.stacks where stack.isMissing && stack.state != .failed {
      try record(stack.text, of: machine, kind: "alarm", in: database, now: now)
    }
    let advice = restore.advice(machine: "\(machine.name)", of: restore.missing)
    try record(
      restore.standing + advice, of: machine, kind: restore.missing.isEmpty ? "progress" : "alarm", in: database,
      now: now)
  }
}

extension MachineTask {
  /// Why it did not end well, as short as it can be told.
  fileprivate var problem: String {
    let last = (messages ?? "").split(whereSeparator: \.isNewline).last.map(String.init)
    return reason ?? last ?? standing
  }
}

/// What `backup archives --json` prints; of a long list the end, as that is what is kept of it.
struct ArchiveList {
  struct Archive: Equatable {
    var name: String
    var madeAt: Date?
  }

  let archives: [Archive]

  init(_ text: String) {
    archives = text.matches(of: /"name"\s*:\s*"([^"\\]+)"/).map { match in
      let name = String(match.1)
      return Archive(name: name, madeAt: Self.time(in: name))
    }
  }

  /// The last of those that were made before; of one whose name has no time nobody knows that it was not.
  func latest(before time: Date) -> Archive? { archives.last { $0.madeAt.map { $0 < time } ?? false } }

  /// Names of Bootstead's archives are `STACK-RUN`, and runs begin with their time in UTC.
  static func time(in name: String) -> Date? {
    guard let match = name.firstMatch(of: /-([0-9]{4})([0-9]{2})([0-9]{2})T([0-9]{2})([0-9]{2})([0-9]{2})Z-/) else {
      return nil
    }
    let text = "\(match.1)-\(match.2)-\(match.3)T\(match.4):\(match.5):\(match.6)Z"
    return try? Date(text, strategy: .iso8601)
  }
}

/// What `backup restore --json` prints.
private struct RestoreOutcome: Decodable {
  var archive: String?
  var isVerified: Bool
  var problem: String?
  var notes: [String]?

  /// Nil where it did not come so far as to print one.
  init?(_ text: String?) {
    guard let text, let outcome = try? JSONDecoder().decode(RestoreOutcome.self, from: Data(text.utf8)) else {
      return nil
    }
    self = outcome
  }
}
