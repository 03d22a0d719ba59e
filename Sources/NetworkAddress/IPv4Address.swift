/// An IPv4 address.
public struct IPv4Address: Hashable, Sendable, CustomStringConvertible {
  /// In host order: `192.0.2.1` is `0xC0000201`.
  public let value: UInt32

  public static let any = IPv4Address(0)
  public static let broadcast = IPv4Address(.max)

  public init(_ value: UInt32) { self.value = value }

  public init(_ a: UInt8, _ b: UInt8, _ c: UInt8, _ d: UInt8) {
    value = UInt32(a) << 24 | UInt32(b) << 16 | UInt32(c) << 8 | UInt32(d)
  }

  /// Four bytes in network order.
  public init?(bytes: some Collection<UInt8>) {
    guard bytes.count == 4 else { return nil }
    value = bytes.reduce(0) { $0 << 8 | UInt32($1) }
  }

  /// Parses the dotted decimal form with four parts and no leading zeros.
  public init(_ text: String) throws(AddressError) {
    let parts = text.split(separator: ".", omittingEmptySubsequences: false)
    guard parts.count == 4 else { throw .invalidIPv4(text) }
    var value: UInt32 = 0
    for part in parts {
      guard let first = part.utf8.first, (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(first),
        part == "0" || first != UInt8(ascii: "0"), let byte = UInt8(part)
      else { throw .invalidIPv4(text) }
      value = value << 8 | UInt32(byte)
    }
    self.value = value
  }

  /// Four bytes in network order.
  public var bytes: [UInt8] { (0..<4).map { UInt8(truncatingIfNeeded: value >> (24 - 8 * $0)) } }

  public var description: String { bytes.map { String($0) }.joined(separator: ".") }

  public var isLoopback: Bool { value >> 24 == 127 }
}

extension IPv4Address: Codable {
  public init(from decoder: any Decoder) throws {
    self = try IPv4Address(decoder.singleValueContainer().decode(String.self))
  }

  public func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    try container.encode(description)
  }
}
