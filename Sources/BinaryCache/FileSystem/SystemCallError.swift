import Glibc

/// A call to the system that failed: which, on what, and why.
public struct SystemCallError: Error, Hashable, Sendable, CustomStringConvertible {
  public let call: String
  public let path: String
  /// `errno`
  public let code: Int32

  public init(call: String, path: String, code: Int32) {
    self.call = call
    self.path = path
    self.code = code
  }

  /// No space, no quota or no inode left.
  public var isFull: Bool { code == ENOSPC || code == EDQUOT }

  public var description: String {
    var text = [CChar](repeating: 0, count: 128)
    guard strerror_r(code, &text, text.count) == 0 else { return "\(call) \(path): error \(code)" }
    return "\(call) \(path): "
      + String(decoding: text.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
  }
}
