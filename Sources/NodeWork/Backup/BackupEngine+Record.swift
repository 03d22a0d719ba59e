import FoundationEssentials

extension BackupEngine {
  /// Ends a result and writes it down, and says it. What could not be written down counts as failed: nobody would see it.
  /// - Parameter work: the stack or the plan whose history it belongs to; the result's stack where nil.
  func record(_ result: BackupResult, of work: String? = nil) -> BackupResult {
    var result = result
    result.ended = .now
    let work = work ?? result.stack
    do {
      var history = try BackupHistory.read(work, folders)
      history.add(result)
      try history.write(work, folders)
    } catch {
      result.outcome = .failed
      result.step = result.step ?? "record"
      result.problem = [result.problem, "the result could not be recorded: \(error)"].compactMap { $0 }.joined(
        separator: "; ")
    }
    say(Self.line(result))
    return result
  }

  /// For the stacks of a plan that copies folders or a disk as a whole.
  func recordInterrupted(_ journal: BackupJournal) throws(NodeWorkError) {
    for stack in journal.stacks ?? [] {
      var history = try BackupHistory.read(stack, folders)
      guard !history.results.contains(where: { $0.run == journal.run }) else { continue }
      history.add(
        BackupResult(
          run: journal.run, stack: stack, plan: journal.plan, tier: journal.tier, started: journal.started,
          ended: .now, outcome: .interrupted, step: journal.step.rawValue,
          problem: "the agent was killed, or the machine stopped"))
      try history.write(stack, folders)
    }
  }
}
