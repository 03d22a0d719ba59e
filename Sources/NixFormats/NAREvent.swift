/// One step of a Nix archive, in the order of the stream. The root's name is empty.
public enum NAREvent: Hashable, Sendable {
  /// A directory begins; what follows up to its ``endOfDirectory`` is in it.
  case directory(name: [UInt8])
  case endOfDirectory
  /// A file begins; `size` bytes follow as ``data(_:)``, then ``endOfFile``.
  case file(name: [UInt8], executable: Bool, size: UInt64)
  /// Never empty.
  case data(ArraySlice<UInt8>)
  case endOfFile
  case symlink(name: [UInt8], target: [UInt8])
}

/// A byte sequence that is no Nix archive, or one that Bootstead does not take.
public enum NARError: Error, Hashable, Sendable, CustomStringConvertible {
  /// `offset` in bytes from the start of the archive, here and in all cases.
  case unexpected(found: String, expected: String, offset: UInt64)
  case stringTooLong(what: String, length: UInt64, limit: Int, offset: UInt64)
  case paddingNotZero(offset: UInt64)
  case illegalName(String, offset: UInt64)
  case illegalTarget(String, offset: UInt64)
  /// Names in a directory have to ascend by their bytes, each once.
  case notSorted(String, after: String, offset: UInt64)
  case tooDeep(limit: Int, offset: UInt64)
  case fileTooLarge(size: UInt64, limit: UInt64, offset: UInt64)
  case trailingData(offset: UInt64)
  case truncated(offset: UInt64)
  /// Only from ``NARWriter``: the events do not form an archive.
  case illegalEvent(String)

  public var description: String {
    switch self {
    case .unexpected(let found, let expected, let offset):
      "archive, byte \(offset): '\(found)' where \(expected) should be"
    case .stringTooLong(let what, let length, let limit, let offset):
      "archive, byte \(offset): \(what) of \(length) bytes, at most \(limit) are taken"
    case .paddingNotZero(let offset): "archive, byte \(offset): the padding is not zero"
    case .illegalName(let name, let offset): "archive, byte \(offset): '\(name)' is no legal file name"
    case .illegalTarget(let target, let offset): "archive, byte \(offset): '\(target)' is no legal link target"
    case .notSorted(let name, let before, let offset):
      "archive, byte \(offset): '\(name)' comes after '\(before)', names have to ascend"
    case .tooDeep(let limit, let offset): "archive, byte \(offset): more than \(limit) directories deep"
    case .fileTooLarge(let size, let limit, let offset):
      "archive, byte \(offset): a file of \(size) bytes, at most \(limit) are taken"
    case .trailingData(let offset): "archive, byte \(offset): something follows the end of the archive"
    case .truncated(let offset): "the archive ends too early, after \(offset) bytes"
    case .illegalEvent(let event): "\(event) can not come here in an archive"
    }
  }

  static func shown(_ bytes: some Sequence<UInt8>) -> String {
    NixFormatError.visible(String(decoding: Array(bytes.prefix(80)), as: UTF8.self))
  }
}
