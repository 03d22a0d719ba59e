import NetworkAddress

/// The sub-options that PXE 2.1 (table 2-1) puts into option 43.
public struct PXEVendorOptions: Hashable, Sendable {
  /// Sub-option 8: the addresses of one type of boot server.
  public struct BootServer: Hashable, Sendable {
    public let type: UInt16
    /// At most 255.
    public let addresses: [IPv4Address]

    public init(type: UInt16, addresses: [IPv4Address]) {
      self.type = type
      self.addresses = addresses
    }
  }

  /// Sub-option 9: one line of the menu. Type 0 means local boot.
  public struct MenuEntry: Hashable, Sendable {
    public let type: UInt16
    /// At most 255 bytes.
    public let text: [UInt8]

    public init(type: UInt16, text: [UInt8]) {
      self.type = type
      self.text = text
    }
  }

  /// Sub-option 10.
  public struct Prompt: Hashable, Sendable {
    /// Seconds; 0 takes the first item at once, 255 waits for ever.
    public let timeout: UInt8
    public let text: [UInt8]

    public init(timeout: UInt8, text: [UInt8]) {
      self.timeout = timeout
      self.text = text
    }
  }

  /// Sub-option 71: what the client chose.
  public struct BootItem: Hashable, Sendable, Codable {
    public let type: UInt16
    /// Bit 15 asks for credentials.
    public let layer: UInt16

    public init(type: UInt16, layer: UInt16) {
      self.type = type
      self.layer = layer
    }
  }

  /// The bits of sub-option 6.
  public struct DiscoveryControl: OptionSet, Hashable, Sendable {
    public let rawValue: UInt8

    public init(rawValue: UInt8) { self.rawValue = rawValue }

    public static let noBroadcast = Self(rawValue: 1)
    public static let noMulticast = Self(rawValue: 2)
    public static let onlyListedServers = Self(rawValue: 4)
    /// Just load the boot file of this very offer.
    public static let useThisBootFile = Self(rawValue: 8)
  }

  public var discoveryControl: DiscoveryControl?
  public var multicastAddress: IPv4Address?
  public var bootServers: [BootServer] = []
  public var menu: [MenuEntry] = []
  public var prompt: Prompt?
  public var bootItem: BootItem?
  /// Sub-options without a field here, in order.
  public var others: [DHCPOption] = []

  public init() {}

  /// Reads the value of option 43. A missing end marker is accepted, bytes after it are ignored, of a repeated
  /// sub-option the last one counts.
  public init(_ bytes: [UInt8]) throws(DHCPError) {
    var rest = bytes[...]
    while let code = rest.popFirst(), code != 255 {
      if code == 0 { continue }
      guard let length = rest.popFirst().map({ Int($0) }) else {
        throw .invalidVendorOption(code: code, reason: "no length byte")
      }
      guard length <= rest.count else {
        throw .invalidVendorOption(code: code, reason: "says \(length) bytes, \(rest.count) are left")
      }
      try read(code, rest.prefix(length))
      rest = rest.dropFirst(length)
    }
  }

  private mutating func read(_ code: UInt8, _ value: ArraySlice<UInt8>) throws(DHCPError) {
    let at = value.startIndex
    switch code {
    case 6:
      guard value.count == 1 else { throw Self.wrongLength(code, value.count, "1") }
      discoveryControl = DiscoveryControl(rawValue: value[at])
    case 7:
      guard let address = IPv4Address(bytes: value) else { throw Self.wrongLength(code, value.count, "4") }
      multicastAddress = address
    case 8: bootServers = try Self.bootServers(value)
    case 9: menu = try Self.menu(value)
    case 10:
      guard value.count >= 1 else { throw Self.wrongLength(code, value.count, "at least 1") }
      prompt = Prompt(timeout: value[at], text: Array(value.dropFirst()))
    case 71:
      guard value.count == 4 else { throw Self.wrongLength(code, value.count, "4") }
      bootItem = BootItem(type: Self.word(value), layer: Self.word(value.dropFirst(2)))
    default:
      others.append(DHCPOption(DHCPOptionCode(rawValue: code), Array(value)))
    }
  }

  private static func wrongLength(_ code: UInt8, _ length: Int, _ expected: String) -> DHCPError {
    .invalidVendorOption(code: code, reason: "has \(length) bytes, not \(expected)")
  }

  /// Callers have checked that there are two bytes.
  private static func word(_ bytes: ArraySlice<UInt8>) -> UInt16 {
    bytes.prefix(2).reduce(0) { $0 << 8 | UInt16($1) }
  }

  private static func bootServers(_ value: ArraySlice<UInt8>) throws(DHCPError) -> [BootServer] {
    var servers: [BootServer] = []
    var rest = value
    while !rest.isEmpty {
      guard rest.count >= 3 else { throw .invalidVendorOption(code: 8, reason: "ends inside a server's type") }
      let type = word(rest)
      let count = Int(rest[rest.startIndex + 2])
      rest = rest.dropFirst(3)
      guard rest.count >= 4 * count else {
        throw .invalidVendorOption(code: 8, reason: "says \(count) addresses, \(rest.count) bytes are left")
      }
      let addresses = (0..<count).compactMap { IPv4Address(bytes: rest.dropFirst(4 * $0).prefix(4)) }
      servers.append(BootServer(type: type, addresses: addresses))
      rest = rest.dropFirst(4 * count)
    }
    return servers
  }

  private static func menu(_ value: ArraySlice<UInt8>) throws(DHCPError) -> [MenuEntry] {
    var entries: [MenuEntry] = []
    var rest = value
    while !rest.isEmpty {
      guard rest.count >= 3 else { throw .invalidVendorOption(code: 9, reason: "ends inside an entry's type") }
      let type = word(rest)
      let length = Int(rest[rest.startIndex + 2])
      rest = rest.dropFirst(3)
      guard rest.count >= length else {
        throw .invalidVendorOption(code: 9, reason: "says \(length) bytes of text, \(rest.count) are left")
      }
      entries.append(MenuEntry(type: type, text: Array(rest.prefix(length))))
      rest = rest.dropFirst(length)
    }
    return entries
  }
}
