import FoundationEssentials
import StackSet

extension BackupEngine {
  /// Tests the restores of several stacks, one after the other; one that fails leaves the others alone. Each failure is on
  /// record, also of what could not begin.
  /// - Parameters:
  ///   - names: of stacks; all where there are none.
  ///   - plan: otherwise all plans with archives that hold a stack, and an object store only where no other does.
  ///   - tell: is told each result as it comes.
  /// - Throws: before anything begins, where there is no such stack or plan, or no plan makes archives of a stack.
  public func testRestores(
    of names: [String], plan: String? = nil, scratch: String, configuration: BackupConfiguration,
    tell: (RestoreResult) -> Void = { _ in }
  ) async throws(NodeWorkError) -> [RestoreResult] {
    try await pinged(
      .testRestore, configuration,
      report: { results in
        (
          results.allSatisfy(\.hasSucceeded),
          results.map { "\($0.stack): \($0.problem ?? "\($0.archive) came back")" }
        )
      },
      { () async throws(NodeWorkError) in
        try await testQuietly(names, plan: plan, scratch: scratch, configuration: configuration, tell: tell)
      })
  }

  /// Without the monitor.
  private func testQuietly(
    _ names: [String], plan: String?, scratch: String, configuration: BackupConfiguration,
    tell: (RestoreResult) -> Void
  ) async throws(NodeWorkError) -> [RestoreResult] {
    var tests: [(stack: String, plan: BackupPlan)] = []
    for name in names { _ = try set.stack(name) }
    if let plan {
      let found = try configuration.plan(plan)
      guard found.hasArchives else {
        throw NodeWorkError(
          .configuration, "the plan “\(plan)” makes no archives that could be restored",
          advice: "name a plan of borg-per-service, restic-rest or b2-offsite")
      }
      tests = try stacks(of: found, name: plan, only: names).map { ($0, found) }
    } else {
      for name in set.stacks.map(\.name) where names.isEmpty || names.contains(name) {
        let plans = configuration.testedPlans(of: name, in: set)
        guard !plans.isEmpty || names.isEmpty else { throw Self.noArchives(of: name) }
        tests += plans.map { (name, $0) }
      }
    }
    if tests.isEmpty { say("no plan makes archives of a stack: there is nothing to test") }
    var results: [RestoreResult] = []
    for test in tests {
      let result: RestoreResult
      do {
        result = try await patiently { () async throws(NodeWorkError) in
          try await testRestore(test.stack, scratch: scratch, plan: test.plan, configuration: configuration)
        }
      } catch {
        result = record(failedTest: error, of: test.stack)
      }
      tell(result)
      results.append(result)
    }
    return results
  }

  static func noArchives(of stack: String) -> NodeWorkError {
    NodeWorkError(
      .configuration, "no plan makes archives of the stack “\(stack)”",
      advice: "add it to the stacks of borg-per-service, restic-rest or b2-offsite")
  }

  /// Of a test that did not come so far as to write down its own end.
  private func record(failedTest error: NodeWorkError, of stack: String) -> RestoreResult {
    var result = RestoreResult(
      stack: stack, archive: "", ended: .now, isTest: true, hasSucceeded: false, problem: "\(error)", isVerified: false)
    do {
      var history = try BackupHistory.read(stack, folders)
      history.add(result)
      try history.write(stack, folders)
    } catch {
      result.problem = "\(result.problem ?? ""); the result could not be recorded: \(error)"
    }
    return result
  }
}
