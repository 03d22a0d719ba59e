/// Where the agent gets a closure from: the appliance's binary cache.
public protocol CacheSource: Sendable {
  /// The content of `HASH.narinfo`; nil where the cache says that it has no such path. Any error is taken for trouble
  /// with the network and tried again.
  func narInfo(hashPart: String) async throws -> [UInt8]?

  /// The file at `url`, relative to the cache, from byte `offset` on. Any error other than ``CacheSourceError`` is taken
  /// for trouble with the network; the download then goes on from the byte where it stopped.
  func nar(url: String, from offset: UInt64) async throws -> any AsyncSequence<[UInt8], any Error>
}

/// Trouble that is treated in a way of its own.
public enum CacheSourceError: Error, Hashable, Sendable, CustomStringConvertible {
  /// The cache does not have the file, or refuses to give it: not tried again.
  case gone(String)
  /// Nobody answers, or the answer broke off: tried again for hours, because appliances and switches restart, and an
  /// install that waits needs nobody.
  case unanswered(String)

  public var description: String {
    switch self {
    case .gone(let reason), .unanswered(let reason): reason
    }
  }
}
