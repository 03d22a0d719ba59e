/// A TFTP packet (RFC 1350, and RFC 2347 for the option acknowledgement).
public enum TFTPPacket: Hashable, Sendable {
  case readRequest(TFTPRequest)
  case writeRequest(TFTPRequest)
  case data(block: UInt16, payload: [UInt8])
  case acknowledgement(block: UInt16)
  case error(TFTPErrorCode, message: [UInt8])
  case optionAcknowledgement([TFTPOption])

  /// Bytes before the payload of a DATA packet: the operation and the block number.
  public static let dataHeaderLength = 4

  public enum Operation: UInt16, Sendable {
    case readRequest = 1
    case writeRequest, data, acknowledgement, error, optionAcknowledgement
  }

  /// Parses one datagram. Bytes after what a packet needs are ignored, as iPXE and others do.
  public init(parsing bytes: some Collection<UInt8>) throws(TFTPParseError) {
    let bytes = Array(bytes)
    guard let number = TFTPPacket.integer(bytes[...]) else { throw .tooShort(length: bytes.count, needed: 2) }
    guard let operation = Operation(rawValue: number) else { throw .unknownOperation(number) }
    let body = bytes.dropFirst(2)
    switch operation {
    case .readRequest, .writeRequest:
      guard bytes.count <= TFTPRequest.maximumLength else {
        throw .requestTooLong(length: bytes.count, limit: TFTPRequest.maximumLength)
      }
      let request = try TFTPRequest(body: body)
      self = operation == .readRequest ? .readRequest(request) : .writeRequest(request)
    case .data:
      self = .data(block: try TFTPPacket.block(body), payload: Array(body.dropFirst(2)))
    case .acknowledgement:
      self = .acknowledgement(block: try TFTPPacket.block(body))
    case .error:
      let code = TFTPErrorCode(rawValue: try TFTPPacket.block(body))
      self = .error(code, message: Array(body.dropFirst(2).prefix { $0 != 0 }))
    case .optionAcknowledgement:
      self = .optionAcknowledgement(TFTPOption.list(body))
    }
  }

  /// The datagram.
  public var bytes: [UInt8] {
    switch self {
    case .readRequest(let request): TFTPPacket.header(.readRequest) + request.body
    case .writeRequest(let request): TFTPPacket.header(.writeRequest) + request.body
    case .data(let block, let payload): TFTPPacket.header(.data) + TFTPPacket.bytes(block) + payload
    case .acknowledgement(let block): TFTPPacket.header(.acknowledgement) + TFTPPacket.bytes(block)
    case .error(let code, let message):
      TFTPPacket.header(.error) + TFTPPacket.bytes(code.rawValue) + message.filter { $0 != 0 } + [0]
    case .optionAcknowledgement(let options):
      TFTPPacket.header(.optionAcknowledgement) + options.flatMap(\.bytes)
    }
  }

  /// An ERROR packet with a text of at most 500 printable ASCII characters.
  public static func error(_ code: TFTPErrorCode, _ text: String) -> TFTPPacket {
    .error(code, message: Array(text.utf8.lazy.map { (0x20...0x7E).contains($0) ? $0 : 0x3F }.prefix(500)))
  }

  private static func integer(_ bytes: ArraySlice<UInt8>) -> UInt16? {
    let pair = bytes.prefix(2)
    guard pair.count == 2 else { return nil }
    return pair.reduce(0) { $0 << 8 | UInt16($1) }
  }

  private static func block(_ body: ArraySlice<UInt8>) throws(TFTPParseError) -> UInt16 {
    guard let number = integer(body) else { throw .tooShort(length: body.count + 2, needed: 4) }
    return number
  }

  private static func header(_ operation: Operation) -> [UInt8] { bytes(operation.rawValue) }

  private static func bytes(_ number: UInt16) -> [UInt8] {
    [UInt8(truncatingIfNeeded: number >> 8), UInt8(truncatingIfNeeded: number)]
  }
}
