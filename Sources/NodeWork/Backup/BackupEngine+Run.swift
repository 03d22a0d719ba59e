import FoundationEssentials
import StackSet

extension BackupEngine {
  /// Backs up the stacks of a plan, one after the other; one that fails leaves the others alone.
  /// - Parameter only: these stacks of the plan; all where there are none.
  /// - Returns: one result for each stack.
  public func run(
    plan name: String, configuration: BackupConfiguration, only: [String] = []
  ) async throws(NodeWorkError) -> [BackupResult] {
    try await pinged(
      .run(plan: name), configuration,
      report: { results in
        (results.allSatisfy { $0.outcome == .succeeded }, results.map(Self.line))
      },
      { () async throws(NodeWorkError) in
        try await runQuietly(plan: name, configuration: configuration, only: only)
      })
  }

  /// Without the monitor.
  private func runQuietly(
    plan name: String, configuration: BackupConfiguration, only: [String]
  ) async throws(NodeWorkError) -> [BackupResult] {
    let plan = try configuration.plan(name)
    let stacks = try stacks(of: plan, name: name, only: only)
    try plan.check(selection: only)
    if case .other(let design) = plan.design {
      throw NodeWorkError(
        .configuration, "the plan “\(name)” is of the design \(design), which this agent does not carry out",
        advice: "the agent may be older than the configuration: update it")
    }
    await recordPools()
    return switch plan.design {
    case .borg, .restic: await runArchives(of: stacks, plan: plan, name: name, configuration)
    case .snapshots(let settings): await runSnapshots(settings, plan: plan, name: name, only: only)
    case .dumps(let settings): await runDumps(settings, plan: plan, name: name, only: only, configuration)
    case .mirror(let settings): await runMirror(settings, plan: plan, name: name, configuration)
    case .coldCopy(let settings): await runColdCopy(settings, plan: plan, name: name, configuration)
    case .proxmox(let settings): await runProxmox(settings, plan: plan, name: name, configuration)
    case .other: []
    }
  }

  /// - Throws: where the plan does not hold one of those.
  func stacks(of plan: BackupPlan, name: String, only: [String]) throws(NodeWorkError) -> [String] {
    let all = plan.stacks(in: set)
    for stack in only where !all.contains(stack) {
      throw NodeWorkError(
        .configuration, "the plan “\(name)” does not hold the stack “\(stack)”",
        advice: "it holds \(all.joined(separator: ", "))")
    }
    return all.filter { only.isEmpty || only.contains($0) }
  }

  /// For the forecast of 'storage show'. A run does not fail for want of it.
  private func recordPools() async {
    do {
      try PoolHistory.record(try await snapshots.pools(), in: folders)
    } catch {
      say("the use of the pools could not be recorded: \(error)")
    }
  }

  /// Of designs that copy to repositories with archives.
  func runArchives(
    of stacks: [String], plan: BackupPlan, name: String, _ configuration: BackupConfiguration
  ) async -> [BackupResult] {
    var results: [BackupResult] = []
    // Stacks that another process works on come last: the others do not wait for them.
    var waiting: [String] = []
    for (stack, isLast) in stacks.map({ ($0, false) }) + stacks.map({ ($0, true) }) {
      guard !isLast || waiting.contains(stack) else { continue }
      let started = Date.now
      let result: BackupResult
      do {
        result = try await patiently(isLast) { () async throws(NodeWorkError) in
          try await run(stack, plan, name, configuration)
        }
      } catch {
        if error.kind == .locked, !isLast, lockWait > .zero {
          say("\(stack): \(error.problem); the other stacks come first")
          waiting.append(stack)
          continue
        }
        let failed = BackupResult(
          run: Self.runIdentifier(), stack: stack, plan: name, tier: plan.tier, started: started, ended: .now,
          outcome: .failed, step: BackupJournal.Step.begin.rawValue, problem: "\(error)")
        do {
          var history = try BackupHistory.read(stack, folders)
          history.add(failed)
          try history.write(stack, folders)
        } catch {
          say("\(stack): the failure could not be recorded: \(error)")
        }
        result = failed
      }
      say(Self.line(result))
      results.append(result)
    }
    return results
  }

  private func run(
    _ name: String, _ plan: BackupPlan, _ planName: String, _ configuration: BackupConfiguration
  ) async throws(NodeWorkError) -> BackupResult {
    let stack = try set.stack(name)
    guard let settings = plan.repositoryPlan else {
      throw NodeWorkError(.configuration, "the plan “\(planName)” copies to no repository")
    }
    let repository = try repository(of: name, plan: plan, configuration: configuration)
    let held = try lock(folders.lock(name), name)
    defer { held.release() }
    try await recover(name, configuration)
    say("\(name): backing up to \(repository.url)")
    var run = try BackupRun(
      engine: self, stack: stack, planName: planName, plan: plan, settings: settings, repository: repository,
      run: Self.runIdentifier())
    return try await run.run()
  }

  /// Sorts by time, and is part of names of snapshots and archives.
  static func runIdentifier() -> String {
    let time = Date.now.formatted(.iso8601).filter { $0.isLetter || $0.isNumber }
    let number = UInt16.random(in: .min ... .max)
    return "\(time)-\(String(number, radix: 16))"
  }

  static func line(_ result: BackupResult) -> String {
    switch result.outcome {
    case .succeeded:
      let still = result.downtimeSeconds.map { ", services stood still for \(PoolUse.text($0)) s" } ?? ""
      return "\(result.stack): \(result.archive ?? "")\(still)"
    case .failed, .interrupted:
      return "\(result.stack): \(result.outcome.rawValue) at '\(result.step ?? "")': \(result.problem ?? "")"
    }
  }
}
