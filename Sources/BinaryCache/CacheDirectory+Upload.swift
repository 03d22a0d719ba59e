import NixFormats

/// What `nix copy --to http://…` sends: first `PUT nar/FILE`, then `PUT HASH.narinfo`, references before what refers to
/// them.
extension CacheDirectory {
  public nonisolated func beginUpload(_ name: NarFileName) throws(CacheError) -> NarUpload {
    try NarUpload(name: name, directory: path + "/incoming", limit: limits.narSize)
  }

  /// Takes a narinfo: checks its NAR file, which has to be there already, to the last byte, checks that its references
  /// are there, signs it and makes both visible. Doing it again does no harm.
  ///
  /// - Parameters:
  ///   - hashPart: from the request's path.
  ///   - body: as it was sent, at most ``NarInfo/maximumTextSize`` bytes.
  public func acceptNarInfo(hashPart: String, body: [UInt8]) async throws(CacheError) {
    let info: NarInfo
    do {
      info = try NarInfo(body)
    } catch {
      throw CacheError(.refused, "\(hashPart.prefix(40)).narinfo: \(error)")
    }
    guard info.storePath.hashPart == hashPart else {
      throw CacheError(.refused, "\(hashPart.prefix(40)).narinfo is about \(info.storePath)")
    }
    guard info.narSize <= limits.narSize else {
      throw CacheError(.tooLarge, "\(info.storePath) has \(info.narSize) bytes, \(limits.narSize) are taken")
    }
    guard let fileHash = info.fileHash, info.fileSize != nil,
      let name = NarFileName(fileHash: fileHash, compression: info.compression), info.url == name.url
    else {
      throw CacheError(
        .refused,
        "\(info.storePath): URL, Compression, FileHash and FileSize do not agree, or it is packed by "
          + "\(info.compression); xz, zstd and none are taken")
    }
    running += 1
    defer { running -= 1 }
    if try isKnown(info) { return }
    try checkReferences(of: info)

    let uploaded = incomingFile(name)
    let published = narFile(name)
    let isNew = try cacheCall { () throws(SystemCallError) in try FileSystem.entry(at: uploaded) } != nil
    let checked: CheckedNar
    do {
      checked = try await NarFileCheck.run(info, file: isNew ? uploaded : published)
    } catch let error as SystemCallError where error.code == 2 {
      throw CacheError(.refused, "\(info.storePath): \(name.url) is not there; send it before the narinfo")
    } catch {
      if isNew { _ = try? FileSystem.removeFile(uploaded) }
      throw CacheError(error, of: info.storePath)
    }
    // Another upload of the same path may have come first while the file was read.
    if try isKnown(info) { return }
    if isNew { try publishFile(from: uploaded, to: published) }
    try publish(info, file: checked.name, fileSize: checked.fileSize)
  }

  /// Whether the same path with the same content is there.
  /// - Throws: where it is there with other content.
  func isKnown(_ info: NarInfo) throws(CacheError) -> Bool {
    guard let known = try narInfo(hashPart: info.storePath.hashPart) else { return false }
    guard known.storePath == info.storePath, known.narHash == info.narHash else {
      throw CacheError(
        .refused,
        "\(info.storePath) is here already with other content (\(known.narHash) instead of \(info.narHash)); "
          + "nodes may have it, so it is kept")
    }
    return true
  }

  private func checkReferences(of info: NarInfo) throws(CacheError) {
    for reference in info.otherReferences {
      guard try narInfo(hashPart: reference.hashPart)?.storePath == reference else {
        throw CacheError(.refused, "\(info.storePath) refers to \(reference), which is not here; send that first")
      }
    }
  }

  /// Moves a checked file to where it is served from.
  func publishFile(from temporary: String, to published: String) throws(CacheError) {
    try cacheCall { () throws(SystemCallError) in
      do throws(SystemCallError) {
        try FileSystem.rename(temporary, to: published)
      } catch {
        // Two uploads of the same file: the other one has moved it.
        guard error.code == 2, try FileSystem.entry(at: published) != nil else { throw error }
      }
      try FileSystem.synchronizeDirectory(FileSystem.parent(of: published))
    }
  }
}
