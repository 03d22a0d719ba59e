import Glibc

/// A file system step that failed.
public struct FileError: Error, Sendable, Hashable, CustomStringConvertible {
  public var path: String
  public var action: String
  public var reason: String

  public init(_ action: String, _ path: String, error: Int32) {
    self.path = path
    self.action = action
    reason = String(cString: strerror(error))
  }

  public var description: String { "\(action) \(path): \(reason)" }
}
