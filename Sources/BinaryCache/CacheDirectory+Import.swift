import Glibc
import NixFormats

/// Taking over a cache that `nix copy --to file://…` has written.
extension CacheDirectory {
  /// Imports closures. Each NAR file is read to its end, compared with its narinfo and made visible as a whole, after
  /// all that it refers to. Stopped at any point, the next run goes on: what is there is skipped.
  ///
  /// - Parameters:
  ///   - roots: nil for everything in the source.
  ///   - trustedKeys: where given, each path needs a right signature by one of them.
  ///   - progress: called on the cache's own executor; keep it short.
  public func importCache(
    at sourceDirectory: String, roots: [StorePath]? = nil, trustedKeys: [NixPublicKey]? = nil,
    progress report: @escaping @Sendable (ImportProgress) -> Void = { _ in }
  ) async throws(CacheError) -> ImportReport {
    running += 1
    defer { running -= 1 }
    let source = try CacheSourceDirectory(path: sourceDirectory)
    let roots = roots ?? source.roots
    let closure = try source.closure(of: roots) { path throws(CacheError) in
      try self.narInfo(hashPart: path.hashPart)?.storePath == path
    }
    var work: [NarInfo] = []
    for info in closure {
      try check(info, trustedKeys: trustedKeys)
      if try !isKnown(info) { work.append(info) }
    }
    let bytes = work.reduce(UInt64(0)) { $0.addingReportingOverflow($1.fileSize ?? $1.narSize).partialValue }
    let free = try cacheCall { () throws(SystemCallError) in try FileSystem.freeBytes(at: path) }
    guard bytes < free else {
      throw CacheError(.full, "the closure needs \(bytes) bytes in \(path), which has \(free) left; make room first")
    }
    var result = ImportReport(roots: roots, imported: 0, skipped: closure.count - work.count, bytes: 0)
    var progress = ImportProgress(
      pathsDone: result.skipped, pathsTotal: closure.count, bytesDone: 0, bytesTotal: bytes)
    report(progress)
    do {
      try await withThrowingTaskGroup(of: (Int, CheckedNar).self) { group in
        var checked: [Int: CheckedNar] = [:]
        var started = 0
        var published = 0
        while published < work.count {
          // The window bounds what is checked and not yet visible.
          while started < work.count, started < published + 64,
            started - published - checked.count < limits.parallelChecks
          {
            let (index, info) = (started, work[started])
            let file = sourceDirectory + "/" + info.url
            group.addTask { (index, try await self.copy(info, from: file)) }
            started += 1
          }
          guard let (index, nar) = try await group.next() else { break }
          checked[index] = nar
          progress.bytesDone += nar.fileSize
          while let nar = checked.removeValue(forKey: published) {
            try self.publish(work[published], file: nar.name, fileSize: nar.fileSize)
            published += 1
            result.imported += 1
            result.bytes += nar.fileSize
            progress.pathsDone += 1
          }
          report(progress)
        }
      }
    } catch let error as CacheError {
      throw error
    } catch {
      throw CacheError(.failed, "the import stopped: \(error)")
    }
    return result
  }

  private func check(_ info: NarInfo, trustedKeys: [NixPublicKey]?) throws(CacheError) {
    guard info.compression.isSupported else {
      throw CacheError(
        .refused, "\(info.storePath): \(NARStreamError.unsupportedCompression(info.compression.description))")
    }
    guard info.narSize <= limits.narSize, info.fileSize ?? 0 <= limits.narSize else {
      throw CacheError(.tooLarge, "\(info.storePath) has \(info.narSize) bytes, \(limits.narSize) are taken")
    }
    if let trustedKeys, !info.isSigned(byOneOf: trustedKeys) {
      throw CacheError(
        .refused,
        "\(info.storePath) has no right signature by \(trustedKeys.map(\.name).joined(separator: ", ")); "
          + "sign it with nix store sign, or name its key")
    }
  }

  /// Copies and checks one NAR file; it is in `nar/` afterwards.
  private nonisolated func copy(_ info: NarInfo, from source: String) async throws(CacheError) -> CheckedNar {
    if let fileHash = info.fileHash, let name = NarFileName(fileHash: fileHash, compression: info.compression),
      let entry = try cacheCall({ () throws(SystemCallError) in try FileSystem.entry(at: narFile(name)) }),
      entry.isRegularFile
    {
      // An import that was stopped has brought it; whether it is what this narinfo says is another question.
      do {
        return try await NarFileCheck.run(info, file: narFile(name))
      } catch {
        throw CacheError(error, of: info.storePath)
      }
    }
    let temporary = path + "/incoming/" + TemporaryName.make()
    do {
      let file = try OpenFile(temporary, flags: O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, mode: 0o644)
      let checked = try await NarFileCheck.run(info, file: source, copy: { try file.write($0) })
      try file.synchronize()
      try FileSystem.rename(temporary, to: narFile(checked.name))
      try FileSystem.synchronizeDirectory(path + "/nar")
      return checked
    } catch {
      unlink(temporary)
      if let error = error as? SystemCallError, error.code == ENOENT, error.path == source {
        throw CacheError(.missing, "\(info.storePath): \(source) is not there; copy the closure again")
      }
      throw CacheError(error, of: info.storePath)
    }
  }
}
