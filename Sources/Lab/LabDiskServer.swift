import Foundation
import NIOCore
import NIOPosix
import SeededNumbers
import Synchronization
import SystemPackage

/// A disk with a write cache that loses its content when the power goes, as real ones do.
///
/// QEMU speaks to it by NBD. What the machine wrote is in the cache until it flushes, writes with FUA, or the cache is
/// full; a power cut keeps a part of the cached blocks that chance decides, in no order. A file system or a program that
/// flushes too little or too late is damaged by that, while the host's page cache would have hidden it.
public final class LabDiskServer: Sendable {
  /// In bytes: what is written or lost as a whole, the physical sector of today's disks.
  public static let blockSize = 4096
  /// In blocks; beyond that, blocks reach the disk as they come.
  private static let cacheLimit = 8192

  private struct State {
    var dirty: [UInt64: [UInt8]] = [:]
    var generator: SeededGenerator
    /// Requests of a machine without power change nothing any more.
    var isOff = false
    /// Requests wait.
    var isStalled = false
    var lostBlocks = 0
  }

  private let file: SystemPackage.FileDescriptor
  private let state: Mutex<State>
  private let folder: String
  private let listener = Mutex<(any Channel)?>(nil)
  /// In bytes.
  let size: UInt64

  private init(file: SystemPackage.FileDescriptor, size: UInt64, seed: UInt64, folder: String) {
    self.file = file
    self.size = size
    self.folder = folder
    state = Mutex(State(generator: SeededGenerator(seed: seed)))
  }

  deinit { try? file.close() }

  /// Serves the raw disk image at `path`.
  public static func start(path: String, seed: UInt64) async throws -> LabDiskServer {
    let file = try SystemPackage.FileDescriptor.open(FilePath(path), .readWrite, options: [.closeOnExec])
    let size = UInt64(try file.seek(offset: 0, from: .end))
    // Not in the lab's folder: the path of a Unix socket has at most 107 bytes.
    let name = "bootstead-disk-\(String(UInt64.random(in: 0...UInt64.max), radix: 36))"
    let folder = FileManager.default.temporaryDirectory.path + "/" + name
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    let server = LabDiskServer(file: file, size: size, seed: seed, folder: folder)
    let listener = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
      .childChannelInitializer { [weak server] channel in
        channel.eventLoop.makeCompletedFuture {
          guard let server else { throw ChannelError.alreadyClosed }
          try channel.pipeline.syncOperations.addHandler(NBDHandler(server: server))
        }
      }
      .bind(unixDomainSocketPath: server.socket).get()
    server.listener.withLock { $0 = listener }
    return server
  }

  /// Writes everything out and ends the server.
  public func stop() async throws {
    let open = listener.withLock { listener in
      defer { listener = nil }
      return listener
    }
    try await open?.close()
    try flush()
    try FileManager.default.removeItem(atPath: folder)
  }

  private var socket: String { folder + "/nbd" }

  /// For QEMU's `file=`.
  package var url: String { "nbd+unix:///?socket=\(socket)" }

  /// Blocks that power cuts have lost so far.
  public var lostBlocks: Int { state.withLock { $0.lostBlocks } }

  /// The power goes: of the cached blocks each has a chance of one half to have reached the disk.
  public func cutPower() throws {
    try state.withLock { state in
      for block in state.dirty.keys.sorted() {
        if state.generator.chance(0.5), let bytes = state.dirty[block] {
          try write(bytes, block)
        } else {
          state.lostBlocks += 1
        }
      }
      state.dirty = [:]
      state.isOff = true
    }
  }

  /// The disk answers nothing any more, as one whose controller hangs, until it is resumed.
  public func stall() { state.withLock { $0.isStalled = true } }

  /// What waited is answered.
  public func resume() { state.withLock { $0.isStalled = false } }

  var isStalled: Bool { state.withLock { $0.isStalled } }

  /// A machine connects: there is power.
  package func powerOn() { state.withLock { $0.isOff = false } }

  // MARK: Requests

  package func read(at offset: UInt64, count: Int) throws -> [UInt8] {
    try check(offset, count)
    return try state.withLock { state in
      var bytes = [UInt8](repeating: 0, count: count)
      let read = try bytes.withUnsafeMutableBytes { try file.read(fromAbsoluteOffset: Int64(offset), into: $0) }
      guard read == count else { throw Errno.ioError }
      for (block, start, part) in Self.blocks(offset, count) {
        guard let cached = state.dirty[block] else { continue }
        bytes.replaceSubrange(start..<(start + part.count), with: cached[part])
      }
      return bytes
    }
  }

  package func write(_ bytes: [UInt8], at offset: UInt64, isForced: Bool) throws {
    try check(offset, bytes.count)
    try state.withLock { state in
      guard !state.isOff else { return }
      for (block, start, part) in Self.blocks(offset, bytes.count) {
        var whole = try state.dirty[block] ?? present(block)
        whole.replaceSubrange(part, with: bytes[start..<(start + part.count)])
        state.dirty[block] = whole
        if isForced {
          try write(whole, block)
          state.dirty[block] = nil
        }
      }
      // Any one, as a disk writes what lies nearest.
      while state.dirty.count > Self.cacheLimit, let (block, whole) = state.dirty.first {
        try write(whole, block)
        state.dirty[block] = nil
      }
    }
  }

  package func flush() throws {
    try state.withLock { state in
      guard !state.isOff else { return }
      for (block, bytes) in state.dirty { try write(bytes, block) }
      state.dirty = [:]
    }
  }

  // MARK: The file

  private func check(_ offset: UInt64, _ count: Int) throws {
    guard offset <= size, UInt64(count) <= size - offset else { throw Errno.invalidArgument }
  }

  private func present(_ block: UInt64) throws -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: Self.blockSize)
    _ = try bytes.withUnsafeMutableBytes {
      try file.read(fromAbsoluteOffset: Int64(block) * Int64(Self.blockSize), into: $0)
    }
    return bytes
  }

  private func write(_ bytes: [UInt8], _ block: UInt64) throws {
    try file.writeAll(toAbsoluteOffset: Int64(block) * Int64(Self.blockSize), bytes)
  }

  /// The blocks of a range: number, where it begins in the range, and which part of the block it is.
  private static func blocks(_ offset: UInt64, _ count: Int) -> [(UInt64, Int, Range<Int>)] {
    var parts: [(UInt64, Int, Range<Int>)] = []
    var done = 0
    while done < count {
      let position = offset + UInt64(done)
      let first = Int(position % UInt64(blockSize))
      let length = min(blockSize - first, count - done)
      parts.append((position / UInt64(blockSize), done, first..<(first + length)))
      done += length
    }
    return parts
  }
}
