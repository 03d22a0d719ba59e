import BinaryCache
import NixFormats

/// Finds out what belongs to a closure, breadth first, with many requests in flight. Nothing that is not signed by a
/// trusted key gets into it.
struct ClosureWalk {
  let source: any CacheSource
  let trustedKeys: [NixPublicKey]
  let limits: ClosureLimits

  /// Sorted by name.
  func run(root: StorePath) async throws(ClosureError) -> [NarInfo] {
    var found: [StorePath: NarInfo] = [:]
    var seen: Set<StorePath> = [root]
    var waiting: [(path: StorePath, referrer: StorePath?)] = [(root, nil)]
    var next = 0
    do {
      try await withThrowingTaskGroup(of: NarInfo.self) { group in
        var running = 0
        while running > 0 || next < waiting.count {
          while running < limits.inFlight, next < waiting.count {
            let (path, referrer) = waiting[next]
            next += 1
            running += 1
            group.addTask { try await fetch(path, referrer: referrer) }
          }
          guard let info = try await group.next() else { break }
          running -= 1
          found[info.storePath] = info
          for reference in info.references where seen.insert(reference).inserted {
            waiting.append((reference, info.storePath))
          }
          guard seen.count <= limits.paths else { throw ClosureError.tooManyPaths(limit: limits.paths) }
        }
      }
    } catch {
      throw ClosureError(error, of: root)
    }
    return found.values.sorted { $0.storePath < $1.storePath }
  }

  private func fetch(_ path: StorePath, referrer: StorePath?) async throws(ClosureError) -> NarInfo {
    let bytes = try await text(path)
    guard let bytes else { throw .missing(path, referrer: referrer) }
    let info: NarInfo
    do {
      info = try NarInfo(bytes)
    } catch {
      throw .invalid(path, reason: error.description)
    }
    guard info.storePath == path else { throw .invalid(path, reason: "it is about \(info.storePath)") }
    guard info.isSigned(byOneOf: trustedKeys) else { throw .untrusted(path, keys: trustedKeys.map(\.name)) }
    return info
  }

  private func text(_ path: StorePath) async throws(ClosureError) -> [UInt8]? {
    var attempts = FetchAttempts(path, limits)
    while true {
      do {
        return try await source.narInfo(hashPart: path.hashPart)
      } catch CacheSourceError.gone(let reason) {
        throw .invalid(path, reason: reason)
      } catch {
        try await attempts.wait(after: error)
      }
    }
  }
}
