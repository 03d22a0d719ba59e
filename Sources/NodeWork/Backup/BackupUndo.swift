import ProgramRunner

/// Takes back what a run changed on the node: after its work, after its failure, and after a kill.
///
/// Each act looks first, so that it can be done again; one that fails does not keep the others from being done.
struct BackupUndo: Sendable {
  let folders: NodeFolders
  let snapshots: NodeSnapshots
  let runner: any CommandRunner

  /// - Throws: kind `unfinished`, with all that is left.
  func undo(_ journal: BackupJournal, project: ComposeProject?) async throws(NodeWorkError) {
    var left: [String] = []
    // What people wait for comes first.
    if !journal.services.isEmpty {
      if let project {
        var refusal: String?
        if journal.isStopping == true {
          // Services that were started now would be stopped again in a moment: a second stop waits for the first one. An
          // engine that refuses it stops nothing later either.
          do {
            try await project.stop(journal.services)
          } catch {
            refusal = "\(error)"
          }
        }
        do {
          try await project.resume(journal.services)
        } catch {
          left += [refusal, "\(error)"].compactMap { $0 }
        }
      } else {
        left.append(
          "the services \(journal.services.joined(separator: ", ")) belong to a stack that is not here any more")
      }
    }
    for path in journal.mounts.reversed() {
      do {
        try await MountedFileSystem.unmount(path, runner: runner)
      } catch {
        left.append("\(error)")
      }
    }
    for snapshot in journal.snapshots {
      do {
        try await snapshots.destroy(snapshot)
      } catch {
        left.append("\(error)")
      }
    }
    // Dumps are as secret as the databases that they come from.
    let dump = folders.source(journal.stack) + "/dump"
    for file in DurableFile.children(of: dump).map({ dump + "/" + $0 }) + (journal.files ?? []) {
      do {
        try DurableFile.remove(file)
      } catch {
        left.append("\(error)")
      }
    }
    guard left.isEmpty else {
      throw NodeWorkError(
        .unfinished, "the run \(journal.run) of \(journal.stack) left behind: \(left.joined(separator: "; "))",
        advice: "it is tried again by 'bootstead-agent backup recover' and before the next run")
    }
  }
}
