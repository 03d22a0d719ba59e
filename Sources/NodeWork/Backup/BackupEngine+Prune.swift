/// How old archives of one stack were removed.
public struct PruneResult: Sendable, Hashable, Codable {
  public var stack: String
  public var problem: String?
  /// Such as that the target lets nothing be removed.
  public var notes: [String] = []
}

extension BackupEngine {
  /// Removes what the retention does not keep, of the stacks of a plan, and frees the space. One that fails leaves the
  /// others alone.
  /// - Parameter only: these stacks of the plan; all where there are none.
  /// - Returns: one result for each stack.
  public func prune(
    plan name: String, configuration: BackupConfiguration, only: [String] = []
  ) async throws(NodeWorkError) -> [PruneResult] {
    try await pinged(
      .prune, configuration,
      report: { results in
        (
          results.allSatisfy { $0.problem == nil },
          results.map { "\($0.stack): \($0.problem ?? $0.notes.joined(separator: "; "))" }
        )
      },
      { () async throws(NodeWorkError) in
        try await pruneQuietly(plan: name, configuration: configuration, only: only)
      })
  }

  /// Without the monitor.
  private func pruneQuietly(
    plan name: String, configuration: BackupConfiguration, only: [String]
  ) async throws(NodeWorkError) -> [PruneResult] {
    let plan = try configuration.plan(name)
    guard let settings = plan.repositoryPlan else {
      throw NodeWorkError(
        .configuration, "the plan “\(name)” makes no archives that could be removed",
        advice: "of snapshots the old ones go with each run")
    }
    var results: [PruneResult] = []
    for stack in try stacks(of: plan, name: name, only: only) {
      var result = PruneResult(stack: stack)
      do {
        let repository = try repository(of: stack, plan: plan, configuration: configuration)
        let held = try await patiently { () throws(NodeWorkError) in try lock(folders.lock(stack), stack) }
        defer { held.release() }
        try await recover(stack, configuration)
        result.notes = try await repository.prune(settings.retention(of: stack), stack: stack, freesSpace: true)
      } catch {
        result.problem = "\(error)"
      }
      say("\(stack): \(result.problem ?? (result.notes.isEmpty ? "pruned" : result.notes.joined(separator: "; ")))")
      results.append(result)
    }
    return results
  }
}
