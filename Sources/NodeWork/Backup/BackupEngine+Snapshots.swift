import FoundationEssentials
import StackSet

extension BackupEngine {
  /// A plan of scheduled snapshots: makes one of each stack, and drops those that are old. Services run on: what is in
  /// them is what a power cut would leave.
  func runSnapshots(
    _ settings: SnapshotSettings, plan: BackupPlan, name: String, only: [String]
  ) async -> [BackupResult] {
    var results: [BackupResult] = []
    for stack in plan.stacks where only.isEmpty || only.contains(stack) {
      let run = Self.runIdentifier()
      var result = BackupResult(
        run: run, stack: stack, plan: name, tier: plan.tier, started: .now, ended: .now, outcome: .failed)
      do {
        let (made, removed) = try await patiently { () async throws(NodeWorkError) in
          try await snapshotEngine.createScheduled(stack, label: run, retention: settings.retention(of: stack))
        }
        if made.isEmpty { result.notes.append("the stack has no volumes of its own") }
        for snapshot in removed { result.notes.append("dropped \(snapshot.name)") }
        result.archive = run
        result.outcome = .succeeded
      } catch {
        result.step = BackupJournal.Step.snapshot.rawValue
        result.problem = "\(error)"
      }
      result.ended = .now
      do {
        var history = try BackupHistory.read(stack, folders)
        history.add(result)
        try history.write(stack, folders)
      } catch {
        say("\(stack): the result could not be recorded: \(error)")
      }
      say(Self.line(result))
      results.append(result)
    }
    return results
  }
}
