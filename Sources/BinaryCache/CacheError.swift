import NixFormats

/// Why the cache did not do what it was asked.
public struct CacheError: Error, Hashable, Sendable, CustomStringConvertible {
  public enum Reason: Hashable, Sendable {
    /// What was given is wrong; giving it again does not help.
    case refused
    /// What was asked for is not there.
    case missing
    /// More than is taken.
    case tooLarge
    /// No space is left; nothing is lost, doing it again goes on where it stopped.
    case full
    /// Not now.
    case busy
    /// The system failed.
    case failed
  }

  public let reason: Reason
  public let description: String

  public init(_ reason: Reason, _ description: String) {
    self.reason = reason
    self.description = description
  }

  init(_ error: SystemCallError) {
    if error.isFull {
      self.init(.full, "no space is left (\(error)); make room and do it again, it goes on where it stopped")
    } else {
      self.init(.failed, error.description)
    }
  }

  /// Of a path whose file is not what it should be.
  init(_ error: any Error, of path: StorePath) {
    switch error {
    case let error as CacheError: self = error
    case let error as SystemCallError: self.init(error)
    case is CancellationError: self.init(.busy, "\(path): stopped; do it again, it goes on where it stopped")
    default: self.init(.refused, "\(path): \(error)")
    }
  }
}

/// Runs a call to the system and turns its error into the cache's.
func cacheCall<Value: ~Copyable>(_ body: () throws(SystemCallError) -> Value) throws(CacheError) -> Value {
  do { return try body() } catch { throw CacheError(error) }
}
