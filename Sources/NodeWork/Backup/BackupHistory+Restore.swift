import FoundationEssentials

extension BackupHistory {
  /// Whether a restore should have been tried by now: the first copy is older than tests of restores may be, or no more
  /// known because so many came since.
  func isRestoreDue(_ now: Date) -> Bool {
    guard let first = results.first(where: { $0.archive != nil }) else { return false }
    return results.count >= Self.limit || now.timeIntervalSince(first.ended) > BackupCoverage.restoreTestSeconds
  }

  /// Seconds after the first run of a new system for which archives of an earlier system stay.
  static let restoreWindow = 7 * 86400.0

  /// The first run on this system, which names of archives are compared with; nil where none was, or nobody knows any
  /// more.
  private var beginning: String? { firstRun ?? (results.count < Self.limit ? results.first?.run : nil) }

  /// Whether an archive was made before this system was. Names are STACK-RUN, and runs sort by their time.
  private static func isEarlier(_ archive: String, of stack: String, than run: String) -> Bool {
    let prefix = stack + "-"
    return archive.hasPrefix(prefix) && archive.dropFirst(prefix.count) < run
  }

  /// Whether archives of an earlier system of this machine may still have to be restored.
  ///
  /// A machine that was made anew backs up stacks that are empty until their data is back. Retention takes the newest
  /// archive of each day for the good one, and would remove the last one with data.
  /// - Parameter run: the present one, which is not in the history yet.
  func awaitsRestore(
    of stack: String, from repository: any BackupRepository, run: String
  ) async throws(NodeWorkError) -> Bool {
    guard results.count < Self.limit else { return false }
    if let first = results.first, Date.now.timeIntervalSince(first.started) > Self.restoreWindow { return false }
    let first = results.first?.run ?? run
    // One from an archive that this system has made brought nothing back.
    guard
      !restores.contains(where: {
        !$0.isTest && $0.hasSucceeded && Self.isEarlier($0.archive, of: stack, than: first)
      })
    else { return false }
    return try await repository.archives().contains { Self.isEarlier($0.name, of: stack, than: first) }
  }

  /// The archive that `latest` means, where that is certain.
  ///
  /// On a machine that was made anew the newest archive may be of a stack that was still empty, or of data that had stayed:
  /// only its owner knows.
  /// - Throws: kind `ambiguous`, with the names of both archives.
  func latest(of stack: String, in repository: any BackupRepository) async throws(NodeWorkError) -> BackupArchive {
    let newest = try await repository.archive("latest")
    guard let first = beginning, !restores.contains(where: { !$0.isTest && $0.hasSucceeded }),
      !Self.isEarlier(newest.name, of: stack, than: first),
      let earlier = try await repository.archives().last(where: { Self.isEarlier($0.name, of: stack, than: first) })
    else { return newest }
    throw NodeWorkError(
      .ambiguous,
      "which archive is 'latest' is not clear: since this system was made, nothing of \(stack) was restored. "
        + "\(earlier.name) is the newest from before, \(newest.name) holds what \(stack) had since then",
      advice: "name the one that you mean, such as --archive \(earlier.name)")
  }
}
