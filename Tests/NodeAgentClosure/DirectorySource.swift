import Foundation
import NodeAgent
import Synchronization

/// A cache directory as the agent would see it through the network, with the network's faults.
final class DirectorySource: CacheSource {
  struct Broken: Error {}

  let path: String
  let chunkSize: Int
  /// Called before each piece of a file with its URL and offset; throws what the network does.
  let fault: @Sendable (String, UInt64) throws -> Void
  private let requests = Mutex<[String]>([])

  init(
    _ path: String, chunkSize: Int = 1000, fault: @escaping @Sendable (String, UInt64) throws -> Void = { _, _ in }
  ) {
    self.path = path
    self.chunkSize = chunkSize
    self.fault = fault
  }

  /// `URL@OFFSET` for each file asked for.
  var requested: [String] { requests.withLock { $0 } }

  func narInfo(hashPart: String) async throws -> [UInt8]? {
    try fault(hashPart, 0)
    return FileManager.default.contents(atPath: "\(path)/\(hashPart).narinfo").map { Array($0) }
  }

  func nar(url: String, from offset: UInt64) async throws -> any AsyncSequence<[UInt8], any Error> {
    requests.withLock { $0.append("\(url)@\(offset)") }
    guard let data = FileManager.default.contents(atPath: path + "/" + url) else {
      throw CacheSourceError.gone("no \(url)")
    }
    return Chunks(bytes: Array(data), position: Int(offset), source: self, url: url)
  }

  struct Chunks: AsyncSequence, AsyncIteratorProtocol {
    let bytes: [UInt8]
    var position: Int
    let source: DirectorySource
    let url: String

    func makeAsyncIterator() -> Self { self }

    mutating func next() async throws -> [UInt8]? {
      try source.fault(url, UInt64(position))
      guard position < bytes.count else { return nil }
      let end = Swift.min(position + source.chunkSize, bytes.count)
      defer { position = end }
      await Task.yield()
      return Array(bytes[position..<end])
    }
  }
}
