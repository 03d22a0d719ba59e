import BinaryCache
import Glibc
import NixFormats

/// A closure that is in the target's store.
public struct InstalledClosure: Hashable, Sendable {
  public let root: StorePath
  /// Sorted by name.
  public let paths: [NarInfo]
  /// How many of them were there already.
  public let kept: Int
}

/// Installs a system's closure from a binary cache into a mounted disk: what `nixos-install` does with Nix, without
/// Nix.
///
/// Each signature is checked before anything of a path is fetched, each hash before the path gets its name. Stopped at
/// any point, also by a power cut, the next run goes on with the paths that are missing.
public struct ClosureInstaller: Sendable {
  let source: any CacheSource
  let trustedKeys: [NixPublicKey]
  /// Without trailing slash.
  let targetRoot: String
  let limits: ClosureLimits

  /// - Parameter targetRoot: where the new system's disk is mounted; never the running system.
  public init(
    source: any CacheSource, trustedKeys: [NixPublicKey], targetRoot: String = "/mnt",
    limits: ClosureLimits = ClosureLimits()
  ) throws(ClosureError) {
    var target = Substring(targetRoot)
    while target.last == "/" { target = target.dropLast() }
    guard target.first == "/", !target.split(separator: "/").contains("..") else {
      throw .unsafeTarget(targetRoot)
    }
    self.source = source
    self.trustedKeys = trustedKeys
    self.targetRoot = String(target)
    self.limits = limits
  }

  /// Adds a closure to the store of the running system.
  /// - Parameter root: before every path that is written.
  public init(
    source: any CacheSource, trustedKeys: [NixPublicKey], runningSystem root: String, limits: ClosureLimits
  ) {
    self.source = source
    self.trustedKeys = trustedKeys
    targetRoot = root
    self.limits = limits
  }

  var storeDirectory: String { targetRoot + StorePath.storeDirectory }

  /// Brings all paths of the closure into the target's store.
  ///
  /// - Parameter progress: called from several tasks, at most once per MiB and path; keep it short.
  public func installStore(
    root: StorePath, progress report: @escaping @Sendable (ClosureProgress) -> Void = { _ in }
  ) async throws(ClosureError) -> InstalledClosure {
    let closure = try await ClosureWalk(source: source, trustedKeys: trustedKeys, limits: limits).run(root: root)
    let store = try openStore()
    var record = try closureCall { () throws(SystemCallError) in
      try InstallRecord(path: targetRoot + "/nix/.bootstead-installed")
    }
    var work: [NarInfo] = []
    for info in closure where try !isInstalled(info, record.paths) { work.append(info) }
    // The longest first: one large path at the end would leave the others idle.
    work.sort { ($1.narSize, $0.storePath) < ($0.narSize, $1.storePath) }
    try checkSpace(for: work)

    let done = closure.count - work.count
    let total = Self.size(of: closure)
    let progress = ProgressCounter(
      ClosureProgress(
        pathsDone: done, pathsTotal: closure.count, pathsRecorded: done, bytesDone: total - Self.size(of: work),
        bytesTotal: total),
      report: report)
    try await fetch(work, store: store, record: &record, progress: progress)
    return InstalledClosure(root: root, paths: closure, kept: done)
  }

  private func fetch(
    _ work: [NarInfo], store: borrowing OpenFile, record: inout InstallRecord, progress: ProgressCounter
  ) async throws(ClosureError) {
    var batch: [NarInfo] = []
    let clock = ContinuousClock()
    var recordedAt = clock.now
    var next = 0
    var failure: ClosureError?
    await withTaskGroup(of: (NarInfo, ClosureError?).self) { group in
      var running = 0
      while running > 0 || (next < work.count && failure == nil) {
        while failure == nil, running < limits.inFlight, next < work.count {
          let fetch = StorePathFetch(
            source: source, info: work[next], storeDirectory: storeDirectory, limits: limits, progress: progress)
          next += 1
          running += 1
          group.addTask {
            do throws(ClosureError) {
              try await fetch.run()
              return (fetch.info, nil)
            } catch {
              return (fetch.info, error)
            }
          }
        }
        guard let (info, error) = await group.next() else { break }
        running -= 1
        if let error {
          // The first one tells why; the others were stopped because of it.
          failure = failure ?? error
          group.cancelAll()
          continue
        }
        batch.append(info)
        if Self.size(of: batch) >= limits.batchSize || clock.now - recordedAt >= limits.batchInterval {
          do throws(SystemCallError) {
            try record.append(batch, store: store)
            progress.record(paths: batch.count)
            batch = []
            recordedAt = clock.now
          } catch {
            failure = failure ?? .system(error)
            group.cancelAll()
          }
        }
      }
    }
    // Also after a failure: what has come need not come again.
    do throws(SystemCallError) {
      try record.append(batch, store: store)
      progress.record(paths: batch.count)
    } catch {
      failure = failure ?? .system(error)
    }
    if let failure { throw failure }
  }

  /// Makes the store directory and clears what an interrupted run left under temporary names.
  private func openStore() throws(ClosureError) -> OpenFile {
    try closureCall { () throws(SystemCallError) in
      try FileSystem.makeDirectories(storeDirectory)
      // As NixOS wants it: the build users' group may add, nobody may delete (nixpkgs, stage-2-init.sh).
      guard chmod(storeDirectory, 0o1775) == 0 else {
        throw SystemCallError(call: "chmod", path: storeDirectory, code: errno)
      }
      for name in try FileSystem.names(in: storeDirectory) where name.hasPrefix(StorePathFetch.temporaryPrefix) {
        try FileSystem.removeTree(storeDirectory + "/" + name)
      }
      return try OpenFile(storeDirectory, flags: O_RDONLY | O_DIRECTORY)
    }
  }

  private func isInstalled(_ info: NarInfo, _ recorded: [StorePath: NixHash]) throws(ClosureError) -> Bool {
    guard recorded[info.storePath] == info.narHash else { return false }
    let path = storeDirectory + "/" + info.storePath.baseName
    return try closureCall { () throws(SystemCallError) in try FileSystem.entry(at: path) } != nil
  }

  private func checkSpace(for work: [NarInfo]) throws(ClosureError) {
    let needed = Self.size(of: work)
    let free = try closureCall { () throws(SystemCallError) in try FileSystem.freeBytes(at: storeDirectory) }
    guard needed < free || work.isEmpty else { throw .noSpace(path: storeDirectory, needed: needed, free: free) }
  }

  /// In bytes, unpacked; sums that no disk could hold stay at the greatest number.
  private static func size(of paths: [NarInfo]) -> UInt64 {
    paths.reduce(0) { sum, info in
      let (total, overflow) = sum.addingReportingOverflow(info.narSize)
      return overflow ? .max : total
    }
  }
}
