import AgentProtocol
import Crypto
import Foundation
import GRDB

extension Fleet {
  /// What changing the system of running nodes would do. Nothing changes.
  public func planRollout(_ request: RolloutRequest) async throws -> RolloutPlan {
    try await database.read { database in try plan(request, in: database) }
  }

  /// Orders running nodes to change their system; each hears of it with its next report.
  /// - Parameter request: carries the digest of the plan that the operator consented to.
  /// - Returns: the orders, in the plan's order.
  @discardableResult
  public func orderRollout(_ request: RolloutRequest) async throws -> [Rollout] {
    try await write { database, now in
      let plan = try plan(request, in: database)
      guard let consented = request.digest else {
        throw FleetError.conflict("nobody consented to this change: give the plan's digest")
      }
      guard consented == plan.digest else {
        throw FleetError.conflict(
          "what is running or wanted changed since the plan that you consented to. Look at it again: bootstead plan")
      }
      if let step = plan.steps.first(where: { $0.action == .refused }) {
        throw FleetError.conflict("'\(step.machine)' can not change its system: \(step.reason ?? "")")
      }
      var orders: [Rollout] = []
      let steps = plan.steps.filter { $0.action == .change }
      let sorted = steps.filter { $0.machine == plan.canary } + steps.filter { $0.machine != plan.canary }
      for step in sorted {
        guard let wanted = step.wanted else { continue }
        var machine = try find(step.machine, in: database)
        for var open in try openRollouts(of: machine, in: database) {
          try end(&open, .superseded, "another order came", in: database, now: now)
        }
        if machine.closure != wanted {
          machine.closure = wanted
          machine.noteDrift(now)
          try machine.update(database)
        }
        var order = Rollout(
          id: nil, machine: machine.id ?? 0, identifier: UUID().uuidString.lowercased(), kind: request.kind,
          closure: wanted, previous: step.running, units: request.units, healthSeconds: request.healthSeconds,
          canary: step.machine == plan.canary ? nil : orders.first { _ in plan.canary != nil }?.identifier,
          orderedAt: now)
        try order.insert(database)
        orders.append(order)
        try record(
          "the operator ordered the change to \(wanted) (\(request.kind.rawValue))", of: machine, kind: "consent",
          in: database, now: now)
      }
      return orders
    }
  }

  /// The orders to a machine, newest first, at most 200.
  public func rollouts(of name: String) async throws -> [Rollout] {
    try await database.read { database in
      try Rollout.filter(sql: "machine = ?", arguments: [find(name, in: database).id]).order(sql: "id DESC").limit(200)
        .fetchAll(database)
    }
  }

  // MARK: The golden system

  /// The store path of the system that `machine release` gives back to a machine.
  public func goldenClosure() async throws -> String? {
    try await database.read { database in try goldenClosure(in: database) }
  }

  /// - Parameter closure: empty clears it.
  public func setGoldenClosure(_ closure: String) async throws {
    let closure = closure.isEmpty ? "" : try checkedClosure(closure)
    try await write { database, now in
      try database.execute(
        sql: "INSERT OR REPLACE INTO setting (name, value) VALUES ('golden', ?)", arguments: [closure])
      var event = FleetEvent(
        machine: nil, at: now, kind: "setting", state: nil,
        text: closure.isEmpty ? "no system is golden any more" : "golden system set to \(closure)", detail: nil)
      try event.insert(database)
    }
  }

  func goldenClosure(in database: Database) throws -> String? {
    let value = try String.fetchOne(database, sql: "SELECT value FROM setting WHERE name = 'golden'")
    return value?.isEmpty == false ? value : nil
  }

  // MARK: The plan

  private func plan(_ request: RolloutRequest, in database: Database) throws -> RolloutPlan {
    try request.check()
    let isAll = request.machines.isEmpty
    let machines =
      isAll
      ? try Machine.order(sql: "name").fetchAll(database)
      : try request.machines.map { try find($0, in: database) }
    var seen: Set<Int64> = []
    var steps = try machines.filter { seen.insert($0.id ?? 0).inserted }.map { machine in
      try step(machine, request.kind, isNamed: !isAll, in: database)
    }
    try keepServersApart(&steps, isNamed: !isAll, in: database)
    var canary: String?
    if let name = request.canary {
      canary = try find(name, in: database).name.text
      guard let step = steps.first(where: { $0.machine == canary }) else {
        throw FleetError.invalidValue(field: "canary", reason: "'\(canary ?? "")' is not one of the named machines")
      }
      guard step.action == .change else {
        throw FleetError.invalidValue(
          field: "canary", reason: "'\(step.machine)' does not change its system: \(step.reason ?? "")")
      }
    }
    var plan = RolloutPlan(kind: request.kind, canary: canary, steps: steps, digest: "")
    plan.digest = try digest(of: plan, request)
    return plan
  }

  private func step(_ machine: Machine, _ kind: Rollout.Kind, isNamed: Bool, in database: Database) throws
    -> RolloutPlan.Step
  {
    let wanted: String?
    let advice: String
    switch kind {
    case .apply:
      wanted = machine.closure
      advice = "no system is set: bootstead machine set \(machine.name) --closure STORE_PATH"
    case .rollback:
      wanted = try lastGood(before: machine.runningClosure, of: machine, in: database)
      advice = "no earlier good system is on record: bootstead history \(machine.name)"
    case .release:
      wanted = try goldenClosure(in: database)
      advice = "no system is golden: bootstead fleet golden STORE_PATH"
    }
    var step = RolloutPlan.Step(
      machine: machine.name.text, running: machine.runningClosure, wanted: wanted, action: .change)
    func refuse(_ reason: String) -> RolloutPlan.Step {
      step.action = isNamed ? .refused : .nothing
      step.reason = reason
      return step
    }
    guard machine.state == .active else {
      return refuse("it is \(machine.state.rawValue), and only an active machine can change its system")
    }
    guard let wanted else { return refuse(advice) }
    if machine.runningClosure == wanted, machine.closure == wanted {
      step.action = .nothing
      step.reason = "it runs that already"
    }
    return step
  }

  /// The system before the newest change to what runs that succeeded, and was itself no way back.
  private func lastGood(before running: String?, of machine: Machine, in database: Database) throws -> String? {
    try Rollout.filter(
      sql: "machine = ? AND closure = ? AND result = 'succeeded' AND kind <> 'rollback' AND previous <> closure",
      arguments: [machine.id, running]
    ).order(sql: "id DESC").fetchOne(database)?.previous
  }

  private func digest(of plan: RolloutPlan, _ request: RolloutRequest) throws -> String {
    struct Record: Encodable {
      var plan: RolloutPlan
      var request: RolloutRequest
    }
    var asked = request
    asked.digest = nil
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys]
    return try SHA256.hash(data: encoder.encode(Record(plan: plan, request: asked))).prefix(16)
      .map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
  }

  func openRollouts(of machine: Machine, in database: Database) throws -> [Rollout] {
    try Rollout.filter(sql: "machine = ? AND endedAt IS NULL", arguments: [machine.id]).order(sql: "id DESC")
      .fetchAll(database)
  }
}

extension Machine {
  /// The node runs another system than the one that is set.
  public var hasDrifted: Bool { closure != nil && runningClosure != nil && closure != runningClosure }

  /// Notes since when it has.
  mutating func noteDrift(_ now: Date) { driftSince = hasDrifted ? driftSince ?? now : nil }
}
