import ProgramRunner

/// Takes a restore back: after its failure, and after a kill or a power cut.
///
/// Each act looks first, so that it can be done again. What it can not tell apart stays as it is, and is said.
struct RestoreUndo: Sendable {
  let folders: NodeFolders
  let runner: any CommandRunner

  /// - Parameters:
  ///   - journal: of a restore that has not come to ``RestoreJournal/Step/start``.
  ///   - project: nil where the stack is not here any more.
  /// - Throws: kind `unfinished`, with all that is left.
  func undo(_ journal: inout RestoreJournal, project: ComposeProject?) async throws(NodeWorkError) {
    if journal.step.hasStopped {
      do {
        try await takeBack(&journal, project: project)
      } catch {
        throw NodeWorkError(
          .unfinished, "the restore of \(journal.stack) from \(journal.archive) is not undone: \(error)",
          advice:
            "it is tried again by 'bootstead-agent backup recover' and at the next start; until then the stack is "
            + "not started")
      }
    }
    // A disk that the fetched copy has filled takes no journal before that is gone.
    let isWritten = journal.step == .fetch
    journal.step = .undone
    journal.services = []
    if !isWritten { try write(journal) }
  }

  private func takeBack(_ journal: inout RestoreJournal, project: ComposeProject?) async throws(NodeWorkError) {
    // An engine whose caller was killed goes on with a stop: a second one waits for the first. After a power cut the engine
    // may have started some by itself, on the archive's data.
    if let project {
      let running = Set(try await project.running()).union(journal.services).sorted()
      do {
        if !running.isEmpty { try await project.stop(running) }
      } catch  where !journal.step.hasExchanged {
        // Nothing was moved: they may run. A stop that is refused stops nothing later either.
      }
    }
    if journal.step.hasExchanged {
      for index in journal.volumes.indices where !journal.volumes[index].isBack {
        try await takeBack(journal.volumes[index])
        journal.volumes[index].isBack = true
        try write(journal)
      }
    }
    if let project, !journal.services.isEmpty { try await project.resume(journal.services) }
  }

  private func takeBack(_ volume: RestoreJournal.Volume) async throws(NodeWorkError) {
    func isThere(_ path: String) -> Bool { DurableFile.exists(path) }
    if isThere(volume.before) {
      if isThere(volume.path) {
        try await remove(volume.aside)
        try DurableFile.move(volume.path, to: volume.aside)
      }
      return try DurableFile.move(volume.before, to: volume.path)
    }
    // Its turn had not come, or a kill came after it was taken back.
    if isThere(volume.fetched) || isThere(volume.aside) { return }
    guard !volume.hadData, isThere(volume.path) else {
      throw NodeWorkError(
        .storage, "neither \(volume.before) nor what was fetched for \(volume.path) is there",
        advice: "see that the file system of \(volume.path) is mounted")
    }
    try DurableFile.move(volume.path, to: volume.aside)
  }

  /// Removes what was fetched. The data from before is not among it.
  func clean(_ journal: RestoreJournal) async throws(NodeWorkError) {
    for volume in journal.volumes {
      try await remove(volume.beside)
      try await remove(volume.aside)
    }
    try await remove(folders.restoreWork(journal.stack))
  }

  private func remove(_ folder: String) async throws(NodeWorkError) {
    guard DurableFile.exists(folder) else { return }
    try await runner.work(Command("rm", ["-r", "-f", "--one-file-system", folder], timeout: .seconds(12 * 3600)))
  }

  private func write(_ journal: RestoreJournal) throws(NodeWorkError) {
    try DurableFile.writeJSON(journal, to: folders.restoreJournal(journal.stack))
  }
}
