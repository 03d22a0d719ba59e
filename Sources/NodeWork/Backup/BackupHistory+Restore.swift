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

  /// Whether archives of an earlier system of this machine may still have to be restored.
  ///
  /// A machine that was made anew backs up stacks that are empty until their data is back. Retention takes the newest
  /// archive of each day for the good one, and would remove the last one with data.
  /// - Parameter run: the present one, which is not in the history yet.
  func awaitsRestore(
    of stack: String, from repository: any BackupRepository, run: String
  ) async throws(NodeWorkError) -> Bool {
    guard !restores.contains(where: { !$0.isTest && $0.hasSucceeded }), results.count < Self.limit else { return false }
    if let first = results.first, Date.now.timeIntervalSince(first.started) > Self.restoreWindow { return false }
    // Names are STACK-RUN, and runs sort by their time.
    let first = results.first?.run ?? run
    let prefix = stack + "-"
    return try await repository.archives().contains { archive in
      archive.name.hasPrefix(prefix) && archive.name.dropFirst(prefix.count) < first
    }
  }
}
