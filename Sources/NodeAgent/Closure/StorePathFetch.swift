import BinaryCache
import NixFormats

/// Brings one store path onto the disk: download, unpack, hash and write in one go, under a temporary name until the
/// hash was right.
struct StorePathFetch {
  /// The longest store path name (244 bytes) with this before it just fits into a file name.
  static let temporaryPrefix = ".bootstead-"

  let source: any CacheSource
  let info: NarInfo
  /// `TARGET/nix/store`
  let storeDirectory: String
  let limits: ClosureLimits
  let progress: ProgressCounter

  private var destination: String { storeDirectory + "/" + info.storePath.baseName }
  private var temporary: String { storeDirectory + "/" + Self.temporaryPrefix + info.storePath.baseName }

  func run() async throws(ClosureError) {
    do {
      try await receive()
    } catch .damaged {
      // Once is bad luck on the way; the cache itself checks what it holds.
      try await receive()
    }
    try closureCall { () throws(SystemCallError) in
      // Without a record it is of no use: a power cut may have left it half-written.
      try FileSystem.removeTree(destination)
      try FileSystem.rename(temporary, to: destination)
    }
    progress.finishPath()
  }

  private func receive() async throws(ClosureError) {
    try closureCall { () throws(SystemCallError) in try FileSystem.removeTree(temporary) }
    let stream: NARStream
    do {
      stream = try NARStream(info)
    } catch {
      throw .invalid(info.storePath, reason: error.description)
    }
    let unpacker = NARUnpacker(path: temporary)
    do throws(ClosureError) {
      try await download(into: stream, unpacker)
      do {
        let before = stream.narBytes
        try stream.finish { try unpacker.apply($0) }
        progress.add(bytes: stream.narBytes - before)
      } catch {
        throw refusal(error)
      }
    } catch {
      progress.remove(bytes: stream.narBytes)
      // Best effort: the next run removes it too.
      _ = try? FileSystem.removeTree(temporary)
      throw error
    }
  }

  private func download(into stream: NARStream, _ unpacker: NARUnpacker) async throws(ClosureError) {
    var attempts = FetchAttempts(info.storePath, limits)
    while true {
      let start = stream.fileBytes
      let trouble: any Error
      do {
        let body = try await source.nar(url: info.url, from: start)
        for try await chunk in body { try take(chunk, into: stream, unpacker) }
        guard let size = info.fileSize, stream.fileBytes < size else { return }
        trouble = EndedEarly(received: stream.fileBytes, size: size)
      } catch let error as ClosureError {
        throw error
      } catch CacheSourceError.gone(let reason) {
        throw .invalid(info.storePath, reason: reason)
      } catch {
        trouble = error
      }
      // It broke after the last byte: nothing is left to ask for.
      if let size = info.fileSize, stream.fileBytes == size { return }
      if stream.fileBytes > start { attempts.progressed() }
      try await attempts.wait(after: trouble)
    }
  }

  private func take(_ chunk: [UInt8], into stream: NARStream, _ unpacker: NARUnpacker) throws(ClosureError) {
    guard !Task.isCancelled else { throw .cancelled }
    let before = stream.narBytes
    defer { progress.add(bytes: stream.narBytes - before) }
    do {
      try stream.consume(chunk[...]) { try unpacker.apply($0) }
    } catch {
      throw refusal(error)
    }
  }

  private func refusal(_ error: any Error) -> ClosureError {
    if let error = error as? SystemCallError { return .system(error) }
    return .damaged(info.storePath, reason: "\(error)")
  }

  private struct EndedEarly: Error, CustomStringConvertible {
    let received: UInt64
    let size: UInt64
    var description: String { "the connection ended after \(received) of \(size) bytes" }
  }
}
