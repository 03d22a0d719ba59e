import NixFormats

/// A binary cache that `nix copy --to file://…` has written: somebody else's, read only.
struct CacheSourceDirectory {
  let path: String
  private(set) var paths: [StorePath: NarInfo] = [:]

  /// Reads all narinfos.
  init(path: String) throws(CacheError) {
    self.path = path
    let names = try cacheCall { () throws(SystemCallError) in
      guard let entry = try FileSystem.entry(at: path + "/."), entry.isDirectory else { return [String]?.none }
      return try FileSystem.names(in: path)
    }
    guard let names, names.contains("nix-cache-info") else {
      throw CacheError(
        .missing,
        "\(path) is no binary cache: it has no nix-cache-info; make one with nix copy --to file://\(path) PATH")
    }
    try checkCacheInfo()
    for name in names where name.hasSuffix(".narinfo") {
      let info = try Self.read(path + "/" + name)
      guard info.storePath.hashPart == name.dropLast(8) else {
        throw CacheError(.refused, "\(path)/\(name) is about \(info.storePath)")
      }
      paths[info.storePath] = info
    }
  }

  private func checkCacheInfo() throws(CacheError) {
    let bytes = try cacheCall { () throws(SystemCallError) in
      try FileSystem.contents(of: path + "/nix-cache-info", limit: 1 << 16)
    }
    for line in String(decoding: bytes ?? [], as: UTF8.self).split(separator: "\n") where line.hasPrefix("StoreDir:") {
      let directory = line.dropFirst(9).drop { $0 == " " }
      guard directory == StorePath.storeDirectory else {
        throw CacheError(
          .refused,
          "\(path) is for the store \(NixFormatError.visible(directory)), nodes have \(StorePath.storeDirectory)")
      }
    }
  }

  private static func read(_ file: String) throws(CacheError) -> NarInfo {
    let bytes = try cacheCall { () throws(SystemCallError) in
      try FileSystem.contents(of: file, limit: NarInfo.maximumTextSize)
    }
    do {
      return try NarInfo(bytes ?? [])
    } catch {
      throw CacheError(.refused, "\(file): \(error)")
    }
  }

  /// The paths that no other path refers to, sorted.
  var roots: [StorePath] {
    let referred = Set(paths.values.flatMap(\.otherReferences))
    return paths.keys.filter { !referred.contains($0) }.sorted()
  }

  /// The closure of the roots, each path after its references. Paths that only the destination has are left out.
  ///
  /// - Parameter isPresent: whether the destination has a path that the source lacks.
  func closure(
    of roots: [StorePath], isPresent: (StorePath) throws(CacheError) -> Bool
  ) throws(CacheError) -> [NarInfo] {
    var order: [NarInfo] = []
    var finished: Set<StorePath> = []
    var open: Set<StorePath> = []
    /// A path that is seen for the second time has had its references placed before it.
    var stack: [(path: StorePath, referrer: StorePath?, again: Bool)] = roots.reversed().map { ($0, nil, false) }
    while let (path, referrer, again) = stack.popLast() {
      if finished.contains(path) { continue }
      guard let info = paths[path] else {
        guard try isPresent(path) else {
          throw CacheError(
            .missing, "\(path) is not in \(self.path)" + (referrer.map { ", but \($0) refers to it" } ?? ""))
        }
        finished.insert(path)
        continue
      }
      if again {
        open.remove(path)
        finished.insert(path)
        order.append(info)
        continue
      }
      guard open.insert(path).inserted else {
        throw CacheError(.refused, "\(path) refers to itself by way of \(referrer ?? path): no store has such paths")
      }
      stack.append((path, referrer, true))
      for reference in info.otherReferences where !finished.contains(reference) {
        stack.append((reference, path, false))
      }
    }
    return order
  }
}
