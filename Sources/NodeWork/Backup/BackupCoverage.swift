import AgentProtocol
import FoundationEssentials
import ProgramRunner
import StackSet

/// Which stack has which tiers, how old its copies are, and when one was last restored.
public struct BackupCoverage: Sendable, Hashable, Codable {
  /// What one design does for a stack.
  public struct Copy: Sendable, Hashable, Codable {
    /// The plan's name, or the design's where it is no plan.
    public var name: String
    public var tier: Int
    public var newest: Date?
    /// How the last run ended, in systemd's words or the agent's; nil where this machine can not know.
    public var result: String?
    /// Whether the newest one is too old to count.
    public var isStale = false
  }

  public struct Row: Sendable, Hashable, Codable {
    public var stack: String
    /// The newest success, by tier; a tier that is declared and has none is missing here and in `gaps`.
    public var newest: [String: Date]
    /// By each design.
    public var copies: [Copy] = []
    /// By all copies of the whole stack that are not too old.
    public var threeTwoOne = ThreeTwoOne(places: [])
    public var restored: Date?
    /// Whether the last test restore ran the stack's verify hooks.
    public var isVerified = false
    public var gaps: [String] = []
    /// What this machine can not know.
    public var notes: [String] = []
    /// The gaps that somebody has to be told of.
    public private(set) var findings: [NodeAlarm] = []

    private enum CodingKeys: String, CodingKey {
      case stack, newest, copies, threeTwoOne, restored, isVerified, gaps, notes
    }

    /// - Parameter aspect: what it is about, the same for as long as it lasts; nil where nobody has to be told yet.
    fileprivate mutating func add(gap text: String, _ aspect: String?) {
      gaps.append(text)
      if let aspect {
        findings.append(NodeAlarm(subject: "backup of \(stack): \(aspect)", text: "\(stack): \(text)"))
      }
    }

    fileprivate init(_ stack: String) { (self.stack, newest) = (stack, [:]) }
  }

  /// Older ones are no backup any more.
  public static let staleSeconds = 3.0 * 86400
  /// Of a disk that somebody has to plug in.
  public static let coldStaleSeconds = 45.0 * 86400
  public static let restoreTestSeconds = 45.0 * 86400

  public var rows: [Row]

  /// With what systemd says of the units of other designs, and what volumes lie on.
  public static func read(
    set: StackSet, configuration: BackupConfiguration, folders: NodeFolders, runner: any CommandRunner,
    now: Date = .now
  ) async throws(NodeWorkError) -> BackupCoverage {
    var names = (configuration.others ?? [:]).values.flatMap(\.units)
    for plan in configuration.plans.values {
      if case .other = plan.design, let unit = plan.unit { names.append(unit) }
    }
    let units = names.isEmpty ? UnitResults() : try await UnitResults.read(names, folders: folders, runner: runner)
    var sources: [String: String] = [:]
    if (configuration.others ?? [:]).values.contains(where: { $0.scope.datasets != nil }) {
      for volume in set.stacks.flatMap(\.volumes) where DurableFile.exists(volume.path) {
        sources[volume.path] = try await MountedFileSystem.holding(volume.path, runner: runner).source
      }
    }
    return try BackupCoverage(
      set: set, configuration: configuration, folders: folders, units: units, sources: sources, now: now)
  }

  /// - Parameters:
  ///   - units: how units of other designs ended.
  ///   - sources: what volumes lie on, by path.
  /// - Throws: where what was recorded can not be read.
  public init(
    set: StackSet, configuration: BackupConfiguration?, folders: NodeFolders, units: UnitResults = UnitResults(),
    sources: [String: String] = [:], now: Date = .now
  ) throws(NodeWorkError) {
    rows = []
    for stack in set.stacks {
      var row = Row(stack.name)
      let history = try BackupHistory.read(stack.name, folders)
      let plans = (configuration?.plans ?? [:]).filter { _, plan in
        plan.holds(stack, source: { sources[$0] })
      }
      // Of these a part is copied.
      let partial = (configuration?.plans ?? [:]).filter { name, plan in
        plans[name] == nil && plan.stacks(in: set).contains(stack.name)
      }
      let others = (configuration?.others ?? [:]).filter { $0.value.scope.holds(stack, source: { sources[$0] }) }
      let hasState = stack.volumes.contains(where: \.isBackedUp) || !stack.backup.dump.isEmpty
      let hasCopies = plans.values.contains { !$0.isLostWithDisk } || others.values.contains { $0.tier != 2 }
      if plans.isEmpty && others.isEmpty && hasState {
        row.add(gap: partial.isEmpty ? "no plan holds it" : "no plan holds all of it", "plan")
      } else if !hasCopies && hasState {
        let kind = plans.values.contains { $0.tier != 2 } ? "dumps" : "snapshots"
        row.add(gap: "it has \(kind) alone, which are lost with their disk", "plan")
      }
      for (name, plan) in plans.sorted(by: { $0.key < $1.key }) {
        if case .other = plan.design {
          row.add(name, plan.tier, units: [plan.unit].compactMap { $0 }, units, now)
        } else {
          row.add(name, plan.tier, history, now, stale: plan.staleSeconds)
        }
      }
      for (name, plan) in partial.sorted(by: { $0.key < $1.key }) {
        row.add(name, plan.tier, history, now, stale: plan.staleSeconds)
        let copied = plan.repositoryPlan?.copied(stack).volumes.filter(\.isBackedUp).map(\.name) ?? []
        let left = stack.volumes.filter { $0.isBackedUp && !copied.contains($0.name) }
        row.notes.append(
          "tier \(plan.tier) (\(name)): without \(left.map { "\($0.name) (\($0.class.rawValue))" }.joined(separator: ", "))"
        )
      }
      for (name, other) in others.sorted(by: { $0.key < $1.key }) {
        row.add(name, other.tier, units: other.units, units, now)
      }
      let fresh = Set(
        row.copies.filter { $0.newest != nil && !$0.isStale }.map(\.name))
      var places: [ThreeTwoOne.Place] = []
      for (name, plan) in plans where fresh.contains(name) {
        if let configuration, let place = plan.place(name, configuration) { places.append(place) }
      }
      for (name, other) in others where fresh.contains(name) && other.tier != 2 {
        places.append(ThreeTwoOne.Place(medium: "design \(name)", isOffsite: other.tier == 3))
      }
      row.threeTwoOne = ThreeTwoOne(places: places)
      let tests = history.restores.filter(\.hasSucceeded)
      row.restored = tests.last?.ended
      row.isVerified = tests.last?.isVerified ?? false
      if hasState && hasCopies {
        if let restored = row.restored {
          if now.timeIntervalSince(restored) > Self.restoreTestSeconds {
            row.add(gap: "the last restore that was tried is of \(restored.formatted(.iso8601))", "restore is old")
          }
        } else if history.restores.isEmpty {
          row.add(gap: "no restore was ever tried", history.isRestoreDue(now) ? "no restore" : nil)
        }
        if let last = history.restores.last, !last.hasSucceeded {
          row.add(gap: "the last restore failed: \(last.problem ?? "")", "restore failed")
        }
      }
      rows.append(row)
    }
  }
}

extension BackupCoverage.Row {
  private mutating func note(
    _ copy: BackupCoverage.Copy, _ now: Date, stale: Double = BackupCoverage.staleSeconds
  ) {
    var copy = copy
    defer { copies.append(copy) }
    guard let newest = copy.newest else { return }
    self.newest["\(copy.tier)"] = max(newest, self.newest["\(copy.tier)"] ?? newest)
    if now.timeIntervalSince(newest) > stale {
      copy.isStale = true
      add(
        gap: "tier \(copy.tier) (\(copy.name)): the newest copy is of \(newest.formatted(.iso8601))",
        "\(copy.name) is old")
    }
  }

  /// What the agent itself carried out.
  fileprivate mutating func add(_ name: String, _ tier: Int, _ history: BackupHistory, _ now: Date, stale: Double) {
    let place = "tier \(tier) (\(name))"
    let latest = history.results.last { $0.plan == name }
    guard let last = history.results.last(where: { $0.plan == name && $0.archive != nil }) else {
      copies.append(BackupCoverage.Copy(name: name, tier: tier, result: latest?.outcome.rawValue))
      let why = latest.map { "; the last run \($0.outcome.rawValue): \($0.problem ?? "")" } ?? ""
      add(gap: "\(place): nothing was ever copied\(why)", "\(name) never")
      return
    }
    note(
      BackupCoverage.Copy(name: name, tier: tier, newest: last.ended, result: latest?.outcome.rawValue), now,
      stale: stale)
    if let latest, latest.outcome != .succeeded {
      add(gap: "\(place): the last run \(latest.outcome.rawValue): \(latest.problem ?? "")", "\(name) failed")
    }
  }

  /// What units carry out. Of several each has to be well.
  fileprivate mutating func add(
    _ name: String, _ tier: Int, units names: [String], _ results: UnitResults, _ now: Date
  ) {
    let place = "tier \(tier) (\(name))"
    let found = names.map { ($0, results.units[$0] ?? UnitResults.Unit(isThere: false)) }
    guard !found.isEmpty else {
      copies.append(BackupCoverage.Copy(name: name, tier: tier))
      notes.append("\(place): another machine fetches the copies; see there when it last did")
      return
    }
    for (unit, result) in found {
      if !result.isThere {
        add(gap: "\(place): systemd does not know \(unit)", "\(unit) is missing")
      } else if let said = result.result, said != "success" {
        add(gap: "\(place): \(unit) ended with \(said); see 'journalctl -u \(unit)'", "\(unit) failed")
      }
    }
    let successes = found.compactMap(\.1.succeeded)
    let bad = found.first { $0.1.result.map { $0 != "success" } ?? false }
    let result = bad?.1.result ?? found.first?.1.result
    guard successes.count == found.count, let oldest = successes.min() else {
      copies.append(BackupCoverage.Copy(name: name, tier: tier, result: result))
      add(gap: "\(place): no run is known that ended well", "\(name) never")
      return
    }
    note(BackupCoverage.Copy(name: name, tier: tier, newest: oldest, result: result), now)
  }
}
