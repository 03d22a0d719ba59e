import StackSet

/// What a run over folders meant for each folder, and for each stack whose data is in them.
struct FolderResults {
  /// nil where it did not begin.
  let run: FolderRun?
  let paths: [String]
  /// Of the whole run.
  let failure: NodeWorkError?
  let template: BackupResult

  /// The folders, and then the stacks.
  func all(in set: StackSet, _ plan: BackupPlan) -> [BackupResult] {
    let folders = (run?.paths ?? paths).map(folder)
    let covered = set.stacks.filter { plan.holds($0, source: { _ in nil }) }
    let failed = set.stacks.filter { run?.stackFailures[$0.name] != nil }
    return folders + set.stacks.filter { covered.contains($0) || failed.contains($0) }.map(stack)
  }

  private var step: String { (run?.journal.step ?? .begin).rawValue }

  private func folder(_ path: String) -> BackupResult {
    var result = template
    result.stack = path
    result.notes = run?.notes[path] ?? []
    if let copy = run?.copies.copies[path] {
      result.archive = copy.archive
      result.originalBytes = copy.bytes
      result.addedBytes = copy.addedBytes
      result.files = copy.files
      result.notes += copy.notes
    }
    return ended(result, run?.failures[path])
  }

  private func stack(_ stack: CompiledStack) -> BackupResult {
    var result = template
    result.stack = stack.name
    let volumes = stack.volumes.filter(\.isBackedUp)
    let holding = (run?.paths ?? paths).filter { path in
      volumes.contains { BackupRun.path($0.path, below: path) != nil }
    }
    let problem = run?.stackFailures[stack.name] ?? holding.lazy.compactMap { run?.failures[$0] }.first
    let archives = holding.compactMap { run?.copies.copies[$0]?.archive }
    if problem == nil, !archives.isEmpty, archives.count == holding.count {
      result.archive = archives.joined(separator: " ")
    }
    for path in holding { result.notes += run?.notes[path] ?? [] }
    return ended(result, problem)
  }

  /// Nothing succeeded of which nothing says that it did.
  private func ended(_ result: BackupResult, _ problem: NodeWorkError?) -> BackupResult {
    var result = result
    if let problem = problem ?? failure {
      result.step = step
      result.problem = "\(problem)"
    } else if result.archive == nil {
      result.step = step
      result.problem = "it was not copied"
    } else {
      result.outcome = .succeeded
    }
    return result
  }
}
