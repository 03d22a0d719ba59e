/// Bytes that are no TFTP packet, or a request that can not be served.
public enum TFTPParseError: Error, Equatable, Sendable, CustomStringConvertible {
  /// Shorter than the fields of its kind, in bytes.
  case tooShort(length: Int, needed: Int)
  /// A request longer than any boot client sends, in bytes.
  case requestTooLong(length: Int, limit: Int)
  case unknownOperation(UInt16)
  case unterminatedName
  case unterminatedMode

  public var description: String {
    switch self {
    case .tooShort(let length, let needed): "the packet ends after \(length) bytes, it needs \(needed)"
    case .requestTooLong(let length, let limit): "the request has \(length) bytes, at most \(limit) are read"
    case .unknownOperation(let operation): "operation \(operation) is none of RFC 1350 and RFC 2347"
    case .unterminatedName: "the file name does not end with a zero byte"
    case .unterminatedMode: "the transfer mode does not end with a zero byte"
    }
  }
}
