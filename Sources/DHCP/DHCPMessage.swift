import NetworkAddress

/// A BOOTP or DHCP message (RFC 951, RFC 2131) with its options put together.
public struct DHCPMessage: Hashable, Sendable {
  public enum Operation: UInt8, Sendable {
    case request = 1
    case reply = 2
  }

  /// The header and the magic cookie.
  public static let minimumParsedLength = 240
  /// The largest UDP payload over IPv4.
  public static let maximumParsedLength = 65_507
  /// The broadcast bit of ``flags``.
  public static let broadcastFlag: UInt16 = 0x8000

  public var operation: Operation
  /// `htype`: 1 is Ethernet.
  public var hardwareType: UInt8
  /// `hlen`, 0 to 16.
  public var hardwareAddressLength: UInt8
  public var hops: UInt8
  /// `xid`
  public var transactionID: UInt32
  /// `secs`. EDK2 sends it with its bytes swapped and iPXE keeps flags in it, so it is no measure of time.
  public var seconds: UInt16
  public var flags: UInt16
  /// `ciaddr`
  public var clientAddress: IPv4Address
  /// `yiaddr`
  public var yourAddress: IPv4Address
  /// `siaddr`: the server of the next step of the boot.
  public var nextServerAddress: IPv4Address
  /// `giaddr`
  public var relayAddress: IPv4Address
  /// `chaddr`, always 16 bytes.
  public var hardwareAddressField: [UInt8]
  /// `sname` up to its first NUL; empty where options overloaded the field.
  public var serverName: [UInt8]
  /// `file` up to its first NUL; empty where options overloaded the field.
  public var bootFile: [UInt8]
  /// All options of all areas; without padding, overload marker and end marker.
  public var options: DHCPOptions

  public init(operation: Operation, transactionID: UInt32) {
    self.operation = operation
    hardwareType = 1
    hardwareAddressLength = 6
    hops = 0
    self.transactionID = transactionID
    seconds = 0
    flags = 0
    clientAddress = .any
    yourAddress = .any
    nextServerAddress = .any
    relayAddress = .any
    hardwareAddressField = [UInt8](repeating: 0, count: 16)
    serverName = []
    bootFile = []
    options = DHCPOptions()
  }

  /// Reads a message from a UDP payload.
  ///
  /// The order of options is that of RFC 3396: the options area, then `file`, then `sname`. A missing end marker is
  /// accepted; bytes after it are ignored.
  public init(_ bytes: [UInt8]) throws(DHCPError) {
    guard bytes.count >= Self.minimumParsedLength else { throw .tooShort(length: bytes.count) }
    guard bytes.count <= Self.maximumParsedLength else { throw .tooLong(length: bytes.count) }
    guard let operation = Operation(rawValue: bytes[0]) else { throw .unknownOperation(bytes[0]) }
    guard bytes[2] <= 16 else { throw .hardwareAddressTooLong(bytes[2]) }
    let cookie = Self.word32(bytes, at: 236)
    guard cookie == Self.magicCookie else { throw .wrongMagicCookie(cookie) }

    self.operation = operation
    hardwareType = bytes[1]
    hardwareAddressLength = bytes[2]
    hops = bytes[3]
    transactionID = Self.word32(bytes, at: 4)
    seconds = UInt16(bytes[8]) << 8 | UInt16(bytes[9])
    flags = UInt16(bytes[10]) << 8 | UInt16(bytes[11])
    clientAddress = IPv4Address(Self.word32(bytes, at: 12))
    yourAddress = IPv4Address(Self.word32(bytes, at: 16))
    nextServerAddress = IPv4Address(Self.word32(bytes, at: 20))
    relayAddress = IPv4Address(Self.word32(bytes, at: 24))
    hardwareAddressField = Array(bytes[28..<44])

    var options = DHCPOptions()
    let overload = try options.parse(bytes[240...], area: .options)
    var areas: UInt8 = 0
    if let overload {
      guard overload.count == 1, (1...3).contains(overload[0]) else { throw .invalidOverload(overload) }
      areas = overload[0]
    }
    let fileArea = bytes[108..<236]
    let serverNameArea = bytes[44..<108]
    // An overload marker inside an overloaded area has no meaning (RFC 2132, 9.3) and is dropped.
    if areas & 1 != 0 { _ = try options.parse(fileArea, area: .file) }
    if areas & 2 != 0 { _ = try options.parse(serverNameArea, area: .serverName) }
    bootFile = areas & 1 != 0 ? [] : Array(fileArea.prefix { $0 != 0 })
    serverName = areas & 2 != 0 ? [] : Array(serverNameArea.prefix { $0 != 0 })
    self.options = options
  }

  static let magicCookie: UInt32 = 0x6382_5363

  private static func word32(_ bytes: [UInt8], at offset: Int) -> UInt32 {
    UInt32(bytes[offset]) << 24 | UInt32(bytes[offset + 1]) << 16 | UInt32(bytes[offset + 2]) << 8
      | UInt32(bytes[offset + 3])
  }
}
