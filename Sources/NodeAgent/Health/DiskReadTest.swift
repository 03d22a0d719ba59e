public import AgentProtocol
import Glibc

/// Reads pieces all over a disk, past the page cache, and tells which places can not be read. It never writes.
public struct DiskReadTest: Sendable {
  /// Bytes of one read.
  static let chunk = 1 << 20
  /// Places are told as exactly as this; also what memory and offsets of a direct read are aligned to.
  static let block = 4096

  /// `O_DIRECT`, which Glibc's module hides behind `_GNU_SOURCE` (Linux, include/uapi/asm-generic/fcntl.h and arm64's).
  #if arch(arm64)
    private static let direct: Int32 = 0o200000
  #else
    private static let direct: Int32 = 0o40000
  #endif

  /// How many places of the disk are read, the first and the last of it among them.
  public var pieces: Int
  /// Bytes read at each place, a multiple of 1 MiB.
  public var pieceBytes: Int
  /// No further read begins after this time; one that hangs in the disk is not ended.
  public var timeLimit: Duration

  public init(pieces: Int = 64, pieceBytes: Int = 4 << 20, timeLimit: Duration = .seconds(60)) {
    self.pieces = min(max(pieces, 2), 4096)
    self.pieceBytes = max(pieceBytes, Self.chunk) / Self.chunk * Self.chunk
    self.timeLimit = timeLimit
  }

  /// - Parameters:
  ///   - path: a block device.
  ///   - size: its size in bytes.
  public func run(path: String, size: UInt64) async -> ReadTestResult {
    let descriptor = open(path, O_RDONLY | Self.direct | O_CLOEXEC | O_NONBLOCK)
    guard descriptor >= 0 else {
      return ReadTestResult(refusal: "\(path) can not be opened: \(String(cString: strerror(errno)))")
    }
    defer { close(descriptor) }
    return await run(size: size) { offset, buffer in
      var done = 0
      while done < buffer.count {
        let count = pread(descriptor, buffer.baseAddress?.advanced(by: done), buffer.count - done, off_t(offset) + done)
        if count < 0 && errno == EINTR { continue }
        if count < 0 { return errno }
        // The end of the disk, before where it should be.
        if count == 0 { return ENXIO }
        done += count
      }
      return 0
    }
  }

  /// - Parameter read: reads a whole buffer at an offset; gives 0 or the error's number.
  package func run(
    size: UInt64, read: (UInt64, UnsafeMutableRawBufferPointer) -> Int32
  ) async -> ReadTestResult {
    let clock = ContinuousClock()
    let start = clock.now
    var result = ReadTestResult()
    let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: Self.chunk, alignment: Self.block)
    defer { buffer.deallocate() }
    for (offset, length) in chunks(size: size) {
      guard clock.now - start < timeLimit, result.faults.count < ReadTestResult.faultLimit, !Task.isCancelled else {
        result.isCut = true
        break
      }
      let part = UnsafeMutableRawBufferPointer(rebasing: buffer[..<length])
      let error = read(offset, part)
      if error == 0 {
        result.bytesRead += UInt64(length)
      } else {
        result.faults.append(fault(in: offset, part, error, read))
      }
      // Others have to get their turn: the appliance is told meanwhile that this agent lives.
      await Task.yield()
    }
    let spent = clock.now - start
    result.seconds = Double(spent.components.seconds) + Double(spent.components.attoseconds) / 1e18
    return result
  }

  /// Looks for the first block of a chunk that can not be read: a bad sector fails the whole chunk. By halves, because a
  /// disk may take half a minute over one bad sector.
  private func fault(
    in offset: UInt64, _ part: UnsafeMutableRawBufferPointer, _ error: Int32,
    _ read: (UInt64, UnsafeMutableRawBufferPointer) -> Int32
  ) -> ReadFault {
    var (start, length, error) = (0, part.count, error)
    while length > Self.block {
      let half = max(Self.block, length / 2 / Self.block * Self.block)
      let found = read(offset + UInt64(start), UnsafeMutableRawBufferPointer(rebasing: part[start..<start + half]))
      if found != 0 {
        (length, error) = (half, found)
      } else {
        (start, length) = (start + half, length - half)
      }
    }
    return ReadFault(offset: offset + UInt64(start), error: String(cString: strerror(error)))
  }

  /// Offsets and lengths of the reads, rising. A disk that is smaller than all pieces is read as a whole.
  private func chunks(size: UInt64) -> [(UInt64, Int)] {
    let (chunk, block) = (UInt64(Self.chunk), UInt64(Self.block))
    let usable = size / block * block
    let piece = UInt64(pieceBytes)
    if usable <= piece * UInt64(pieces) {
      return stride(from: 0, to: usable, by: Int(chunk)).map { ($0, Int(min(chunk, usable - $0))) }
    }
    let step = (usable - piece) / UInt64(pieces - 1)
    return (0..<UInt64(pieces)).flatMap { number in
      let start = number == UInt64(pieces - 1) ? usable - piece : number * step / block * block
      return stride(from: start, to: start + piece, by: Int(chunk)).map { ($0, Self.chunk) }
    }
  }
}
