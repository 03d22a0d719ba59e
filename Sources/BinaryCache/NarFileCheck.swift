import NixFormats

/// A NAR file that has been read to its end and is what its narinfo says.
struct CheckedNar: Sendable {
  let name: NarFileName
  /// In bytes.
  let fileSize: UInt64
}

enum NarFileCheck {
  /// Reads a NAR file, unpacks it in bounded memory, and compares it with its narinfo.
  ///
  /// - Parameter copy: takes each piece of the file before it is known to be right.
  static func run(
    _ info: NarInfo, file path: String, progress: @Sendable (UInt64) -> Void = { _ in },
    copy: (ArraySlice<UInt8>) throws -> Void = { _ in }
  ) async throws -> CheckedNar {
    let file = try OpenFile(reading: path)
    let stream = try NARStream(info)
    while true {
      let chunk = try file.read(upTo: 256 * 1024)
      if chunk.isEmpty { break }
      try stream.consume(chunk[...]) { _ in }
      try copy(chunk[...])
      progress(UInt64(chunk.count))
      // Hashing is long work: let others have the thread.
      await Task.yield()
      try Task.checkCancellation()
    }
    let hash = try stream.finish { _ in }
    guard let name = NarFileName(fileHash: hash, compression: info.compression) else {
      throw NARStreamError.unsupportedCompression(info.compression.description)
    }
    return CheckedNar(name: name, fileSize: stream.fileBytes)
  }
}
