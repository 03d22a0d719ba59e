internal import Crypto
import FoundationEssentials
import NixFormats

/// Why a NAR file is not what its narinfo says.
public enum NARStreamError: Error, Hashable, Sendable, CustomStringConvertible {
  case unsupportedCompression(String)
  case decompression(String)
  case archive(NARError)
  /// It unpacks to more than NarSize: unpacking stopped there.
  case exceedsNarSize(UInt64)
  /// It is longer than FileSize: reading stopped there.
  case exceedsFileSize(UInt64)
  case wrong(field: String, expected: String, found: String)

  public var description: String {
    switch self {
    case .unsupportedCompression(let name):
      "it is packed by \(NixFormatError.visible(name)); use xz, zstd or none (nix copy --to '…?compression=zstd')"
    case .decompression(let reason): reason
    case .archive(let error): error.description
    case .exceedsNarSize(let size): "it unpacks to more than the \(size) bytes that its narinfo promises"
    case .exceedsFileSize(let size): "it is longer than the \(size) bytes that its narinfo promises"
    case .wrong(let field, let expected, let found):
      "its \(field) is \(found) where the narinfo says \(expected)"
    }
  }
}

/// Unpacks a NAR file while it arrives and checks it against its narinfo: sizes at each step, so that a decompression
/// bomb ends at NarSize, and both hashes at the end.
///
/// What it gives must not be used as the store path before ``finish(_:)`` has returned.
public final class NARStream {
  private let info: NarInfo
  private let decompressor: any Decompressor
  /// Where FileSize is missing, what a packed archive can reach at worst: an endless stream of empty frames ends here.
  private let fileLimit: UInt64
  private var reader: NARReader
  private var fileHasher = SHA256()
  private var narHasher = SHA256()
  /// Bytes of the packed file taken so far.
  public private(set) var fileBytes: UInt64 = 0
  /// Bytes of the archive unpacked so far.
  public private(set) var narBytes: UInt64 = 0

  public init(_ info: NarInfo, limits: NARLimits = NARLimits()) throws(NARStreamError) {
    self.info = info
    decompressor = try info.compression.makeDecompressor()
    reader = NARReader(limits: limits)
    let (worst, overflow) = info.narSize.addingReportingOverflow(info.narSize / 8 + (1 << 20))
    fileLimit = info.fileSize ?? (overflow ? .max : worst)
  }

  /// Takes the next bytes of the packed file.
  /// - Throws: ``NARStreamError``, or what `body` throws.
  public func consume(_ chunk: ArraySlice<UInt8>, _ body: ([NAREvent]) throws -> Void) throws {
    let (total, overflow) = fileBytes.addingReportingOverflow(UInt64(chunk.count))
    guard !overflow, total <= fileLimit else { throw NARStreamError.exceedsFileSize(fileLimit) }
    fileBytes = total
    chunk.withUnsafeBytes { fileHasher.update(bufferPointer: $0) }
    try decompressor.decompress(chunk) { try take($0, body) }
  }

  /// The file is complete.
  /// - Returns: the hash of the packed file.
  /// - Throws: ``NARStreamError`` where it is not what the narinfo says, or what `body` throws.
  @discardableResult public func finish(_ body: ([NAREvent]) throws -> Void) throws -> NixHash {
    try decompressor.finish { try take($0, body) }
    do {
      try reader.finish()
    } catch {
      throw NARStreamError.archive(error)
    }
    try compare("NarSize", info.narSize, narBytes)
    try compare("NarHash", info.narHash, try digest(&narHasher))
    if let size = info.fileSize { try compare("FileSize", size, fileBytes) }
    let fileHash = try digest(&fileHasher)
    if let expected = info.fileHash { try compare("FileHash", expected, fileHash) }
    return fileHash
  }

  private func take(_ bytes: ArraySlice<UInt8>, _ body: ([NAREvent]) throws -> Void) throws {
    let (total, overflow) = narBytes.addingReportingOverflow(UInt64(bytes.count))
    guard !overflow, total <= info.narSize else { throw NARStreamError.exceedsNarSize(info.narSize) }
    narBytes = total
    bytes.withUnsafeBytes { narHasher.update(bufferPointer: $0) }
    let events: [NAREvent]
    do {
      events = try reader.read(bytes)
    } catch {
      throw NARStreamError.archive(error)
    }
    if !events.isEmpty { try body(events) }
  }

  private func compare<Value: Equatable>(_ field: String, _ expected: Value, _ found: Value) throws(NARStreamError) {
    guard expected == found else { throw .wrong(field: field, expected: "\(expected)", found: "\(found)") }
  }

  private func digest(_ hasher: inout SHA256) throws(NARStreamError) -> NixHash {
    guard let hash = NixHash(bytes: Array(hasher.finalize())) else {
      throw .decompression("SHA-256 gave no 32 bytes")
    }
    return hash
  }
}
