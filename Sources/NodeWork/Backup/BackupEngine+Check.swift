/// What a check of one stack's repository found.
public struct RepositoryCheck: Sendable, Hashable, Codable {
  public var stack: String
  public var problem: String?
}

extension BackupEngine {
  /// Looks for damage in the repositories of stacks, one after the other. One that is damaged leaves the others alone.
  /// - Parameter tell: is told each result as it comes.
  public func check(
    _ stacks: [(stack: String, plan: BackupPlan)], verifyData: Bool, configuration: BackupConfiguration,
    tell: (RepositoryCheck) -> Void
  ) async throws(NodeWorkError) -> [RepositoryCheck] {
    try await pinged(
      .check, configuration,
      report: { checks in
        (checks.allSatisfy { $0.problem == nil }, checks.map { "\($0.stack): \($0.problem ?? "whole")" })
      },
      { () async throws(NodeWorkError) in
        var checks: [RepositoryCheck] = []
        for (stack, plan) in stacks {
          var check = RepositoryCheck(stack: stack)
          do {
            try await repository(of: stack, plan: plan, configuration: configuration).check(verifyData: verifyData)
          } catch {
            check.problem = "\(error)"
          }
          tell(check)
          checks.append(check)
        }
        return checks
      })
  }
}
