/// A 48-bit IEEE 802 hardware address.
public struct MACAddress: Hashable, Sendable, Comparable, CustomStringConvertible {
  /// The address in network order; the upper 16 bits are zero.
  public let value: UInt64

  /// Six bytes in network order.
  public init?(bytes: some Collection<UInt8>) {
    guard bytes.count == 6 else { return nil }
    value = bytes.reduce(0) { $0 << 8 | UInt64($1) }
  }

  /// Parses any usual spelling: `52:54:00:12:34:56`, `52-54-00-12-34-56`, `5254.0012.3456`, `525400123456`,
  /// in either case.
  /// - Throws: ``AddressError/invalidMAC(_:)`` with the text as it was given.
  public init(_ text: String) throws(AddressError) {
    let digits = text.utf8.filter { $0 != UInt8(ascii: ":") && $0 != UInt8(ascii: "-") && $0 != UInt8(ascii: ".") }
    guard digits.count == 12, let value = UInt64(String(decoding: digits, as: UTF8.self), radix: 16),
      digits.first != UInt8(ascii: "+"), MACAddress.isUsualSpelling(text)
    else { throw .invalidMAC(text) }
    self.value = value
  }

  private static func isUsualSpelling(_ text: String) -> Bool {
    for (separator, length) in [(Character(":"), 2), ("-", 2), (".", 4)] where text.contains(separator) {
      return text.split(separator: separator, omittingEmptySubsequences: false).allSatisfy { $0.utf8.count == length }
    }
    return text.utf8.count == 12
  }

  /// Six bytes in network order.
  public var bytes: [UInt8] { (0..<6).map { UInt8(truncatingIfNeeded: value >> (40 - 8 * $0)) } }

  /// `52:54:00:12:34:56`
  public var description: String { joined(by: ":") }

  /// `52-54-00-12-34-56`, iPXE's `:hexhyp` form, safe in file names and URLs.
  public var hyphenated: String { joined(by: "-") }

  private func joined(by separator: String) -> String {
    bytes.map { byte in
      let digits = String(byte, radix: 16)
      return digits.utf8.count == 1 ? "0" + digits : digits
    }.joined(separator: separator)
  }

  /// Assigned by software, not by a manufacturer (IEEE 802, second bit of the first octet): never an identity.
  public var isLocallyAdministered: Bool { bytes[0] & 0b10 != 0 }
  /// Names a group of receivers, so it can not be a machine's own address.
  public var isMulticast: Bool { bytes[0] & 0b1 != 0 }

  public static func < (left: Self, right: Self) -> Bool { left.value < right.value }
}

extension MACAddress: Codable {
  public init(from decoder: any Decoder) throws {
    self = try MACAddress(decoder.singleValueContainer().decode(String.self))
  }

  public func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    try container.encode(description)
  }
}
