import FoundationEssentials
import ProgramRunner

/// Brings folders to a mirror with rsync.
struct MirrorCopier: FolderCopier {
  let place: RsyncTarget
  let maximumDeletions: Int
  /// SSH with its arguments, as rsync splits it.
  let remoteShell: String?
  let runner: any CommandRunner

  /// Files vanished at the source while they were copied, as they do where it is in use.
  private static let vanished: Int32 = 24

  var target: String { place.argument }

  func probe(paths: [String], missing: [MountAudit.Missing]) async throws(NodeWorkError) {
    guard place.host == nil else { return }
    let folder = place.path.count > 1 && place.path.hasSuffix("/") ? String(place.path.dropLast()) : place.path
    for path in paths where BackupRun.path(folder, below: path) != nil || BackupRun.path(path, below: folder) != nil {
      throw NodeWorkError(
        .configuration, "the mirror \(folder) and its source \(path) lie in each other", advice: "take another folder")
    }
    try BackupEngine.expectMounted(folder, missing: missing)
    guard DurableFile.exists(folder) else {
      throw NodeWorkError(
        .repositoryMissing, "there is no \(folder) to mirror into",
        advice: "mount its disk; if it is new, make the folder")
    }
  }

  func copy(_ folders: [ReadyFolder], dumps: [ReadyDumps]) async -> FolderCopies {
    var made = FolderCopies()
    // Counted for all of them before anything is deleted for one.
    var deletions: [String: Int] = [:]
    for folder in folders {
      do {
        deletions[folder.path] = try await countDeletions(folder)
      } catch {
        made.failures[folder.path] = error
      }
    }
    let total = deletions.values.reduce(0, +)
    if total > maximumDeletions {
      let counts = deletions.filter { $0.value > 0 }.sorted { $0.key < $1.key }
      let refusal = NodeWorkError(
        .refusedDeletions,
        "\(total) files would be deleted at \(target), and \(maximumDeletions) may be ("
          + counts.map { "\($0.key): \($0.value)" }.joined(separator: ", ") + "); nothing was copied or deleted",
        advice: "see what is gone here; if it is meant, raise 'maximumDeletions' for one run")
      for path in deletions.keys { made.failures[path] = refusal }
    }
    for folder in folders where made.failures[folder.path] == nil {
      do {
        made.copies[folder.path] = try await mirror(folder)
      } catch {
        made.failures[folder.path] = error
      }
    }
    for dump in dumps {
      do {
        // Without deletion: a dump that failed this time leaves the older one.
        _ = try await call(["--", "\(dump.root)/./\(ReadyDumps.folder)/\(dump.stack)/", place.argument])
      } catch {
        made.dumpFailures[dump.stack] = error
      }
    }
    return made
  }

  private func countDeletions(_ folder: ReadyFolder) async throws(NodeWorkError) -> Int {
    let output = try await call(["--delete", "--dry-run", "--stats"] + operands(folder))
    guard let deleted = RsyncStatistics(output.standardOutput).deleted else {
      throw NodeWorkError(
        .command, "rsync at \(target) does not tell how much it would delete",
        advice: "it is older than 3.1: update it, as nothing is deleted uncounted")
    }
    return deleted
  }

  private func mirror(_ folder: ReadyFolder) async throws(NodeWorkError) -> FolderCopies.Copy {
    let output = try await call(["--delete", "--max-delete=\(maximumDeletions)", "--stats"] + operands(folder))
    let statistics = RsyncStatistics(output.standardOutput)
    var copy = FolderCopies.Copy(
      archive: place.argument + folder.path.dropFirst(), bytes: statistics.bytes,
      addedBytes: statistics.transferredBytes, files: statistics.files)
    if let deleted = statistics.deleted, deleted > 0 {
      copy.notes.append("\(deleted) files were deleted at the target")
    }
    if output.code == Self.vanished { copy.notes.append("files vanished while \(folder.path) was copied") }
    return copy
  }

  /// By its whole path below the target.
  private func operands(_ folder: ReadyFolder) -> [String] {
    ["--", "\(folder.root)/.\(folder.path)/", place.argument]
  }

  private func call(_ arguments: [String]) async throws(NodeWorkError) -> CommandOutput {
    var command = Command(
      "rsync", ["-aHAX", "--numeric-ids", "--relative", "--timeout=900"] + arguments, timeout: .seconds(48 * 3600))
    if let remoteShell { command.environment["RSYNC_RSH"] = remoteShell }
    command.acceptedCodes = Set(0...255)
    let output = try await runner.work(command)
    guard output.code == 0 || output.code == Self.vanished else { throw error(output) }
    return output
  }

  private func error(_ output: CommandOutput) -> NodeWorkError {
    let lines = output.standardError.split(whereSeparator: \.isNewline).filter { !$0.hasPrefix("@@@@") }
    let text = lines.suffix(4).map { $0.prefix(300) }.joined(separator: " / ")
    let said = "\(target): " + (text.isEmpty ? "rsync ended with code \(output.code)" : text)
    let all = output.standardError
    if all.contains("Host key verification failed") {
      return NodeWorkError(
        .repositoryUnreachable, said,
        advice: "the target does not show the key of 'hostKey': see who answers there before you change it")
    }
    if all.contains("Permission denied (") {
      return NodeWorkError(.repositoryUnreachable, said, advice: "let the target take this machine's SSH key")
    }
    if all.contains("No space left on device") || all.contains("Disk quota exceeded") {
      return NodeWorkError(
        .storage, said, advice: "make room at the target, and run it again: what is there already stays")
    }
    // rsync(1), EXIT VALUES
    switch output.code {
    case 25:
      return NodeWorkError(
        .refusedDeletions, "\(said): more was to be deleted than was counted before, and the rest was not",
        advice: "see what deletes files in the source now")
    case 10, 12, 30, 35, 255:
      return NodeWorkError(
        .repositoryUnreachable, said, advice: "see whether the target is up, takes this machine's key and has rsync")
    case 11 where all.contains("No such file or directory"):
      return NodeWorkError(.repositoryMissing, said, advice: "make the folder at the target, or mount its disk there")
    default:
      return NodeWorkError(.command, said, advice: "what was copied stays; run it again when the cause is gone")
    }
  }
}

extension BackupEngine {
  func runMirror(
    _ settings: MirrorSettings, plan: BackupPlan, name: String, _ configuration: BackupConfiguration
  ) async -> [BackupResult] {
    await runFolders(
      settings.paths, dumpsFirst: settings.dumpFirst, plan: plan, name: name, configuration
    ) { (_, runner) throws(NodeWorkError) in
      let repository = try plan.declared("rsync", in: configuration)
      let target = try RsyncTarget(repository.url)
      var shell: String?
      if let host = target.host {
        var reached = repository
        reached.url = "ssh://" + host
        shell = try remoteShell(plan.repository ?? name, reached)
        if let port = target.port { shell = shell.map { "\($0) -p \(port)" } }
      }
      return MirrorCopier(
        place: target, maximumDeletions: settings.maximumDeletions, remoteShell: shell, runner: runner)
    }
  }
}

extension BackupPlan {
  /// The plan's repository.
  /// - Throws: where it is not declared, or of another type.
  func declared(
    _ type: String, in configuration: BackupConfiguration
  ) throws(NodeWorkError) -> BackupConfiguration.Repository {
    guard let name = repository, let found = configuration.repositories[name] else {
      throw NodeWorkError(
        .configuration, "the plan names no repository that is declared", advice: "see bootstead.backup.repositories")
    }
    guard found.type == type else {
      throw NodeWorkError(.configuration, "the repository \(name) is of the type \(found.type), and not \(type)")
    }
    return found
  }
}
