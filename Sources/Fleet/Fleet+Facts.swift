public import AgentProtocol
import DiskLayout
import Foundation
import GRDB

extension Fleet {
  /// The newest facts of each machine that are kept, beside the accepted ones.
  package static let factsLimit = 20

  // MARK: The operator's verbs

  public func facts(of name: String) async throws -> FactsAnswer {
    try await database.read { database in
      let machine = try find(name, in: database)
      let records = try FactsRecord.filter(sql: "machine = ?", arguments: [machine.id]).order(sql: "id DESC")
        .fetchAll(database)
      return FactsAnswer(
        machine: machine.name, standing: try standing(of: machine, in: database),
        records: records.enumerated().map { index, record in
          FactsAnswer.Record(
            id: record.id ?? 0, at: record.at, isAccepted: record.isAccepted, facts: record.facts,
            changes: index + 1 < records.count ? record.facts.changes(since: records[index + 1].facts) : [])
        })
    }
  }

  /// The machine is as it shall be from now on: drift is measured against its newest facts, and a held install goes on.
  public func acceptFacts(of name: String, _ request: AcceptFacts) async throws -> FactsAnswer {
    try await write { database, now in
      let machine = try find(name, in: database)
      guard let newest = try FactsRecord.newest(of: machine, in: database) else {
        throw FleetError.conflict("nothing is known of the hardware of '\(machine.name)' yet: boot it first")
      }
      if let seen = request.record, seen != newest.id {
        throw FleetError.conflict(
          "the hardware of '\(machine.name)' changed since you looked: bootstead machine facts \(machine.name) --diff")
      }
      let drift = try standing(of: machine, in: database).drift
      try database.execute(
        sql: "UPDATE facts SET isAccepted = (id = ?) WHERE machine = ?", arguments: [newest.id, machine.id])
      var hardware = try HardwareRecord.of(machine, in: database)
      hardware.held = nil
      try hardware.save(database)
      try record(
        "the operator accepted the hardware as it is"
          + (drift.isEmpty ? "" : ": " + drift.map(\.text).joined(separator: "; ")), of: machine, kind: "consent",
        in: database, now: now)
    }
    return try await facts(of: name)
  }

  /// Asks for an examination; the machine's agent makes it as soon as it waits for a task.
  public func examine(_ name: String, _ request: ExamineMachine) async throws -> FactsAnswer {
    try await write { database, now in
      let machine = try find(name, in: database)
      guard !request.checks.isEmpty else {
        throw FleetError.invalidValue(field: "checks", reason: "none is named: smart, read-test")
      }
      var hardware = try HardwareRecord.of(machine, in: database)
      hardware.task = ExamineTask(identifier: randomToken(), checks: Set(request.checks))
      try hardware.save(database)
      try record(
        "the operator asks for an examination: \(request.checks.map(\.rawValue).sorted().joined(separator: ", "))",
        of: machine, kind: "setting", in: database, now: now)
    }
    return try await facts(of: name)
  }

  func setHolds(_ holds: [HardwareHold], of machine: Machine, in database: Database) throws {
    var hardware = try HardwareRecord.of(machine, in: database)
    hardware.holdOn = HardwareHold.allCases.filter(holds.contains)
    if holds.isEmpty { hardware.held = nil }
    try hardware.save(database)
  }

  func standing(of machine: Machine, in database: Database) throws -> HardwareStanding {
    let hardware = try HardwareRecord.of(machine, in: database)
    let newest = try FactsRecord.newest(of: machine, in: database)
    let accepted = try FactsRecord.accepted(of: machine, in: database)
    var drift: [FactsChange] = []
    if let newest, let accepted { drift = newest.facts.changes(since: accepted.facts) }
    return HardwareStanding(
      holdOn: hardware.holdOn, held: hardware.held, drift: drift,
      wanted: (hardware.task?.checks ?? []).sorted { $0.rawValue < $1.rawValue })
  }

  // MARK: What the agent says

  /// Keeps what an inventory says of the hardware, where that is new.
  func recordFacts(of machine: Machine, in database: Database, now: Date) throws {
    guard let inventory = machine.inventory else { return }
    let newest = try FactsRecord.newest(of: machine, in: database)
    try store(MachineFacts(inventory, former: newest?.facts), of: machine, after: newest, in: database, now: now)
  }

  /// The agent examined the hardware.
  public func examined(_ report: ExaminedReport, signed request: SignedRequest) async throws {
    try await handleCurrent(request) { database, now, machine in
      var hardware = try HardwareRecord.of(machine, in: database)
      guard let task = hardware.task, task.identifier == report.task else {
        throw AgentRefusal(code: .notExpected, message: "this is not the examination that was asked for")
      }
      guard let inventory = machine.inventory else {
        throw AgentRefusal(code: .notExpected, message: "an inventory has to come first")
      }
      let newest = try FactsRecord.newest(of: machine, in: database)
      var facts = MachineFacts(inventory, former: newest?.facts)
      facts.take(report)
      hardware.task = nil
      hardware.examined = HardwareRecord.Examined(
        install: machine.install, disks: Set(facts.disks.map(\.identity)), checks: task.checks)
      try hardware.save(database)
      try record(
        "examined \(report.disks.count) disks: \(task.checks.map(\.rawValue).sorted().joined(separator: ", "))",
        of: machine, kind: "hardware", in: database, now: now)
      try store(facts, of: machine, after: newest, in: database, now: now)
      if var accepted = try FactsRecord.accepted(of: machine, in: database), accepted.facts.adopt(facts) {
        try accepted.update(database)
      }
    }
  }

  private func store(
    _ facts: MachineFacts, of machine: Machine, after newest: FactsRecord?, in database: Database, now: Date
  ) throws {
    guard facts != newest?.facts else { return }
    // The first ones are what later ones are compared with.
    var new = FactsRecord(machine: machine.id ?? 0, at: now, isAccepted: newest == nil, facts: facts)
    try new.insert(database)
    if let newest {
      for change in facts.changes(since: newest.facts).prefix(20) {
        try record(change.text, of: machine, kind: "hardware", in: database, now: now)
      }
    }
    try database.execute(
      sql: """
        DELETE FROM facts WHERE machine = ? AND NOT isAccepted AND id NOT IN
          (SELECT id FROM facts WHERE machine = ? ORDER BY id DESC LIMIT ?)
        """, arguments: [machine.id, machine.id, Fleet.factsLimit])
  }

  // MARK: The gate

  /// What the hardware asks for before anything else: an examination, or that the install waits.
  /// - Returns: nil where nothing stands in the way.
  func hardwareGate(_ machine: Machine, in database: Database, now: Date) throws -> AgentTask? {
    guard [.discovered, .approved, .armed, .booting, .failed].contains(machine.state) else { return nil }
    var hardware = try HardwareRecord.of(machine, in: database)
    if let task = hardware.task { return .examine(task) }
    // Disks of a machine that is given away may well be failing.
    guard [.armed, .booting].contains(machine.state), machine.wipe == nil, !hardware.holdOn.isEmpty,
      let facts = try FactsRecord.newest(of: machine, in: database)?.facts
    else { return nil }
    let checks = Set(hardware.holdOn.compactMap(\.check))
    if !checks.isEmpty, !hardware.covers(checks, machine.install, facts) {
      let task = ExamineTask(identifier: randomToken(), checks: checks)
      hardware.task = task
      try hardware.save(database)
      return .examine(task)
    }
    let reasons = try standing(of: machine, in: database).drift.filter { hardware.holdOn.contains($0.hold) }
    let held = reasons.isEmpty ? nil : displayable(reasons.map(\.text).joined(separator: "; "), limit: 500)
    if held != hardware.held {
      hardware.held = held
      try hardware.save(database)
      try record(
        held.map { "the install is held: \($0)" } ?? "the install is not held any more", of: machine, kind: "hardware",
        in: database, now: now)
    }
    return held.map {
      .wait(
        reason: "held: \($0); bootstead machine facts \(machine.name) --diff, bootstead machine accept-facts "
          + machine.name.text, seconds: 3)
    }
  }
}

extension HardwareRecord {
  fileprivate func covers(_ checks: Set<HardwareCheck>, _ install: String, _ facts: MachineFacts) -> Bool {
    guard let examined, examined.install == install, examined.checks.isSuperset(of: checks) else { return false }
    return examined.disks.isSuperset(of: facts.disks.map(\.identity))
  }
}
