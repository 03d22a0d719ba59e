import Glibc
import NixFormats

/// What was deleted, or would be.
public struct GarbageReport: Hashable, Sendable {
  public var paths: [StorePath]
  /// NAR files, also such that no path had.
  public var files: Int
  /// In bytes.
  public var bytes: UInt64
}

extension CacheDirectory {
  /// Deletes what no kept root reaches.
  ///
  /// - Parameters:
  ///   - roots: those that the cache does not have are passed over.
  ///   - graceSeconds: what came later than this many seconds ago stays, with all that it refers to: it may belong to an
  ///     upload that goes on.
  ///   - dryRun: only says what would be deleted.
  /// - Throws: ``CacheError/Reason/busy`` while an import or the check of an upload runs.
  public func collectGarbage(
    keeping roots: Set<StorePath>, graceSeconds: Int = 3600, dryRun: Bool = false
  ) throws(CacheError) -> GarbageReport {
    guard running == 0 else { throw CacheError(.busy, "an import or an upload is running; do it again afterwards") }
    let oldest = time(nil) - graceSeconds
    let paths = try allPaths()
    var kept = roots
    for path in paths.keys where try isYoung(narInfoFile(path.hashPart), since: oldest) { kept.insert(path) }
    let reached = Self.reach(kept, in: paths)
    // What refers goes before what it refers to: stopped in the middle, no path stands without its references.
    let doomed = Self.referrersFirst(Set(paths.keys).subtracting(reached), in: paths)
    var report = GarbageReport(paths: doomed.sorted(), files: 0, bytes: 0)
    if !dryRun {
      for path in doomed {
        try cacheCall { () throws(SystemCallError) in try FileSystem.removeFile(narInfoFile(path.hashPart)) }
      }
      try cacheCall { () throws(SystemCallError) in try FileSystem.synchronizeDirectory(self.path) }
    }
    let used = Set(reached.compactMap { paths[$0]?.url })
    for folder in ["nar", "incoming"] {
      for name in try cacheCall({ () throws(SystemCallError) in try FileSystem.names(in: path + "/" + folder) }) {
        let file = "\(path)/\(folder)/\(name)"
        if used.contains("\(folder)/\(name)") { continue }
        if try isYoung(file, since: oldest) { continue }
        try cacheCall { () throws(SystemCallError) in
          report.files += 1
          report.bytes += try FileSystem.entry(at: file)?.size ?? 0
          if !dryRun { try FileSystem.removeFile(file) }
        }
      }
    }
    return report
  }

  private func isYoung(_ file: String, since oldest: Int) throws(CacheError) -> Bool {
    let entry = try cacheCall { () throws(SystemCallError) in try FileSystem.entry(at: file) }
    return entry.map { $0.modified > oldest } ?? false
  }

  private static func referrersFirst(_ doomed: Set<StorePath>, in paths: [StorePath: NarInfo]) -> [StorePath] {
    var referrers: [StorePath: Int] = [:]
    for path in doomed {
      for reference in paths[path]?.otherReferences ?? [] { referrers[reference, default: 0] += 1 }
    }
    var order: [StorePath] = []
    var ready = doomed.filter { referrers[$0, default: 0] == 0 }.sorted()
    while let path = ready.popLast() {
      order.append(path)
      for reference in paths[path]?.otherReferences ?? [] where doomed.contains(reference) {
        referrers[reference, default: 0] -= 1
        if referrers[reference] == 0 { ready.append(reference) }
      }
    }
    return order
  }
}
