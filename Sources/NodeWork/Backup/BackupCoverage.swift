import FoundationEssentials
import StackSet

/// Which stack has which tiers, how old its copies are, and when one was last restored.
public struct BackupCoverage: Sendable, Hashable, Codable {
  public struct Row: Sendable, Hashable, Codable {
    public var stack: String
    /// The newest success, by tier; a tier that is declared and has none is missing here and in `gaps`.
    public var newest: [String: Date]
    public var restored: Date?
    public var gaps: [String]
  }

  /// Older ones are no backup any more.
  public static let staleSeconds = 3.0 * 86400
  public static let restoreTestSeconds = 45.0 * 86400

  public var rows: [Row]

  /// - Throws: where what was recorded can not be read.
  public init(
    set: StackSet, configuration: BackupConfiguration?, folders: NodeFolders, now: Date = .now
  ) throws(NodeWorkError) {
    rows = []
    for stack in set.stacks {
      var row = Row(stack: stack.name, newest: [:], gaps: [])
      let history = try BackupHistory.read(stack.name, folders)
      let plans = (configuration?.plans ?? [:]).filter { $0.value.stacks.contains(stack.name) }
      let hasState = stack.volumes.contains(where: \.isBackedUp) || !stack.backup.dump.isEmpty
      if plans.isEmpty && hasState { row.gaps.append("no plan holds it") }
      for (name, plan) in plans.sorted(by: { $0.key < $1.key }) {
        guard case .borg = plan.design else { continue }
        guard let last = history.results.last(where: { $0.plan == name && $0.archive != nil }) else {
          row.gaps.append("tier \(plan.tier) (\(name)): nothing was ever copied")
          continue
        }
        row.newest["\(plan.tier)"] = max(last.ended, row.newest["\(plan.tier)"] ?? last.ended)
        if now.timeIntervalSince(last.ended) > Self.staleSeconds {
          row.gaps.append("tier \(plan.tier) (\(name)): the newest copy is of \(last.ended.formatted(.iso8601))")
        }
        if let latest = history.results.last(where: { $0.plan == name }), latest.outcome != .succeeded {
          row.gaps.append(
            "tier \(plan.tier) (\(name)): the last run \(latest.outcome.rawValue): \(latest.problem ?? "")")
        }
      }
      row.restored = history.restores.last { $0.hasSucceeded }?.ended
      if hasState && !plans.isEmpty {
        if let restored = row.restored {
          if now.timeIntervalSince(restored) > Self.restoreTestSeconds {
            row.gaps.append("the last restore that was tried is of \(restored.formatted(.iso8601))")
          }
        } else {
          row.gaps.append("no restore was ever tried")
        }
      }
      rows.append(row)
    }
  }
}
