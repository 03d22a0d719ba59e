import AgentProtocol
import Crypto
import Glibc
import NodeFiles

/// Reads block devices without ever writing to them.
public protocol VolumeReading: Sendable {
  /// SHA-256 in lower-case hexadecimal digits over what `depth` covers of a device.
  func digest(ofDevice path: String, size: UInt64, depth: FingerprintDepth) async throws -> String
}

/// Hashes a device.
public struct VolumeReader: VolumeReading {
  /// Read from each end in a sample: 4 MiB.
  static let end: UInt64 = 4 << 20
  /// Pieces between the ends.
  static let pieces: UInt64 = 256
  /// Bytes of a piece: 64 KiB.
  static let piece: UInt64 = 64 << 10

  public init() {}

  /// The places that a sample reads, in rising order without overlap. They follow from the size alone, so that the same
  /// volume gives the same sample before and after.
  package static func places(size: UInt64, depth: FingerprintDepth) -> [Range<UInt64>] {
    if depth == .full || size <= 2 * end + pieces * piece { return size == 0 ? [] : [0..<size] }
    var places = [0..<end]
    let room = size - 2 * end - piece
    for number in 0..<pieces {
      // No product of two large numbers: sizes go up to 2^60.
      let start = end + (room / pieces) * number + (room % pieces) * number / pieces
      let aligned = max(start - start % 4096, places.last?.upperBound ?? 0)
      places.append(aligned..<aligned + piece)
    }
    places.append(size - end..<size)
    return places
  }

  public func digest(ofDevice path: String, size: UInt64, depth: FingerprintDepth) async throws -> String {
    var hash = SHA256()
    var place: UInt64?
    try await read(path, Self.places(size: size, depth: depth)) { start, bytes in
      // The place is hashed as well: moved data is other data.
      if start != place { withUnsafeBytes(of: start.littleEndian) { hash.update(bufferPointer: $0) } }
      place = start
      hash.update(bufferPointer: bytes)
      return true
    }
    return hash.finalize().map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
  }

  /// - Parameter body: gets the start of the place and bytes of it; false ends the reading.
  private func read(
    _ path: String, _ places: [Range<UInt64>], _ body: (UInt64, UnsafeRawBufferPointer) -> Bool
  ) async throws {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { throw FileError("open", path, error: errno) }
    defer { close(descriptor) }
    // What was read before through another device is not what is there now.
    _ = posix_fadvise(descriptor, 0, 0, POSIX_FADV_DONTNEED)
    var buffer = [UInt8](repeating: 0, count: 1 << 20)
    for place in places {
      var position = place.lowerBound
      while position < place.upperBound {
        try Task.checkCancellation()
        let wanted = Int(min(UInt64(buffer.count), place.upperBound - position))
        guard let offset = off_t(exactly: position) else { throw FileError("read", path, error: EOVERFLOW) }
        let count = pread(descriptor, &buffer, wanted, offset)
        if count < 0, errno == EINTR { continue }
        guard count > 0 else { throw FileError("read", path, error: count == 0 ? ENODATA : errno) }
        guard buffer.withUnsafeBytes({ body(place.lowerBound, UnsafeRawBufferPointer(rebasing: $0[..<count])) }) else {
          return
        }
        position += UInt64(count)
        await Task.yield()
      }
    }
  }
}

extension VolumeReader: ZeroReading {
  public func isZero(device path: String, size: UInt64) async throws -> Bool {
    var isZero = true
    try await read(path, Self.places(size: size, depth: .sampled)) { _, bytes in
      isZero = bytes.allSatisfy { $0 == 0 }
      return isZero
    }
    return isZero
  }
}
