internal import Crypto
import Glibc
import NixFormats

/// A NAR file on its way into the cache. It goes to a temporary file, which is deleted with this value unless
/// ``finish()`` was called.
public struct NarUpload: ~Copyable, Sendable {
  private let name: NarFileName
  private let temporary: String
  private let destination: String
  private let limit: UInt64
  private let file: OpenFile
  private var hasher = SHA256()
  /// Bytes written so far.
  public private(set) var size: UInt64 = 0

  init(name: NarFileName, directory: String, limit: UInt64) throws(CacheError) {
    self.name = name
    self.limit = limit
    let temporary = directory + "/" + TemporaryName.make()
    self.temporary = temporary
    destination = directory + "/" + name.description
    file = try cacheCall { () throws(SystemCallError) in
      try OpenFile(temporary, flags: O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, mode: 0o644)
    }
  }

  /// After ``finish()`` has renamed it there is nothing left to delete.
  deinit { unlink(temporary) }

  public mutating func write(_ bytes: [UInt8]) throws(CacheError) {
    try take(bytes.count)
    try cacheCall { () throws(SystemCallError) in try file.write(bytes[...]) }
    bytes.withUnsafeBytes { hasher.update(bufferPointer: $0) }
  }

  public mutating func write(_ bytes: UnsafeRawBufferPointer) throws(CacheError) {
    try take(bytes.count)
    try cacheCall { () throws(SystemCallError) in try file.write(bytes) }
    hasher.update(bufferPointer: bytes)
  }

  private mutating func take(_ count: Int) throws(CacheError) {
    let (total, overflow) = size.addingReportingOverflow(UInt64(count))
    guard !overflow, total <= limit else {
      throw CacheError(.tooLarge, "\(name) is longer than the \(limit) bytes that are taken")
    }
    size = total
  }

  /// Keeps the file for the narinfo that has to follow.
  /// - Throws: ``CacheError/Reason/refused`` where the content is not what the name promises.
  public consuming func finish() throws(CacheError) {
    guard NixHash(bytes: Array(hasher.finalize())) == name.fileHash else {
      throw CacheError(
        .refused, "the content of \(name) does not have the SHA-256 that its name promises; send it again")
    }
    let (temporary, destination) = (temporary, destination)
    try cacheCall { () throws(SystemCallError) in
      try file.synchronize()
      try FileSystem.rename(temporary, to: destination)
    }
  }
}
