import NixFormats

/// One closure in the cache.
public struct ClosureSummary: Hashable, Sendable {
  public let root: StorePath
  public let pathCount: Int
  /// In bytes, unpacked.
  public let narSize: UInt64
  /// In bytes, as it is packed. Paths that closures share are counted in each.
  public let fileSize: UInt64
}

extension CacheDirectory {
  /// All closures: one for each path that no other path refers to, sorted by name.
  public nonisolated func closures() throws(CacheError) -> [ClosureSummary] {
    let paths = try allPaths()
    let referred = Set(paths.values.flatMap(\.otherReferences))
    var summaries: [ClosureSummary] = []
    for root in paths.keys where !referred.contains(root) {
      let closure = Self.reach([root], in: paths).compactMap { paths[$0] }
      summaries.append(
        ClosureSummary(
          root: root, pathCount: closure.count,
          narSize: closure.reduce(0) { $0.addingReportingOverflow($1.narSize).partialValue },
          fileSize: closure.reduce(0) { $0.addingReportingOverflow($1.fileSize ?? 0).partialValue }))
    }
    return summaries.sorted { ($0.root.name, $0.root) < ($1.root.name, $1.root) }
  }

  /// The paths of one closure, sorted.
  /// - Throws: ``CacheError/Reason/missing`` where the cache does not have it.
  public nonisolated func closure(of root: StorePath) throws(CacheError) -> [NarInfo] {
    var found: [StorePath: NarInfo] = [:]
    var stack = [root]
    while let path = stack.popLast() {
      if found[path] != nil { continue }
      guard let info = try narInfo(hashPart: path.hashPart), info.storePath == path else {
        throw CacheError(.missing, "\(path) is not in the cache; import its closure")
      }
      found[path] = info
      stack += info.otherReferences
    }
    return found.values.sorted { $0.storePath < $1.storePath }
  }

  nonisolated func allPaths() throws(CacheError) -> [StorePath: NarInfo] {
    var paths: [StorePath: NarInfo] = [:]
    for name in try cacheCall({ () throws(SystemCallError) in try FileSystem.names(in: path) })
    where name.hasSuffix(".narinfo") {
      guard let info = try narInfo(hashPart: String(name.dropLast(8))) else { continue }
      paths[info.storePath] = info
    }
    return paths
  }

  static func reach(_ roots: some Sequence<StorePath>, in paths: [StorePath: NarInfo]) -> Set<StorePath> {
    var reached: Set<StorePath> = []
    var stack = Array(roots)
    while let path = stack.popLast() {
      guard let info = paths[path], reached.insert(path).inserted else { continue }
      stack += info.otherReferences
    }
    return reached
  }
}
