/// A read or a write request (RFC 1350 section 5, options by RFC 2347).
public struct TFTPRequest: Hashable, Sendable {
  /// The longest request that is read, in bytes. RFC 2347 section 2 allows 512; some ROMs pad theirs.
  public static let maximumLength = 1468

  /// The file name as the client sent it, without its terminating zero. Never shown or used before it is parsed
  /// into a ``TFTPRequestName``.
  public var name: [UInt8]
  public var mode: TFTPMode
  /// Name and value pairs in the order of the request. A tail that is cut off or has no value is left out: syslinux
  /// sends one zero byte too many, and a file served without an option is better than none.
  public var options: [TFTPOption]

  public init(name: [UInt8], mode: TFTPMode = .octet, options: [TFTPOption] = []) {
    self.name = name
    self.mode = mode
    self.options = options
  }

  /// Parses what follows the operation.
  init(body: ArraySlice<UInt8>) throws(TFTPParseError) {
    var rest = body
    guard let name = TFTPRequest.takeString(&rest) else { throw .unterminatedName }
    guard let mode = TFTPRequest.takeString(&rest) else { throw .unterminatedMode }
    self.name = Array(name)
    self.mode = TFTPMode(bytes: mode)
    options = TFTPOption.list(rest)
  }

  /// Takes the bytes up to a zero byte, and the zero byte; nil where there is none.
  static func takeString(_ bytes: inout ArraySlice<UInt8>) -> ArraySlice<UInt8>? {
    guard let end = bytes.firstIndex(of: 0) else { return nil }
    let string = bytes[bytes.startIndex..<end]
    bytes = bytes[bytes.index(after: end)...]
    return string
  }

  var body: [UInt8] { name + [0] + mode.bytes + [0] + options.flatMap(\.bytes) }
}

/// The transfer mode of a request, in any case of letters (RFC 1350 section 5).
public enum TFTPMode: Hashable, Sendable {
  case octet
  case netascii
  case mail
  case other([UInt8])

  init(bytes: ArraySlice<UInt8>) {
    let lowered = bytes.map { (0x41...0x5A).contains($0) ? $0 + 0x20 : $0 }
    switch lowered {
    case Array("octet".utf8): self = .octet
    case Array("netascii".utf8): self = .netascii
    case Array("mail".utf8): self = .mail
    default: self = .other(Array(bytes))
    }
  }

  var bytes: [UInt8] {
    switch self {
    case .octet: Array("octet".utf8)
    case .netascii: Array("netascii".utf8)
    case .mail: Array("mail".utf8)
    case .other(let bytes): bytes
    }
  }
}
