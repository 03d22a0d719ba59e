/// The SMBIOS system UUID, in the one canonical form that Linux (`/sys/class/dmi/id/product_uuid`) and iPXE
/// (`${uuid}`) print.
///
/// SMBIOS 2.6 and later store the first three fields in little-endian order, and DHCP option 97 carries the bytes as
/// SMBIOS stores them (DMTF DSP0134, 7.2.1; RFC 4578, 2.3).
public struct SystemUUID: Hashable, Sendable, CustomStringConvertible {
  /// The 16 bytes in the order in which the canonical text prints them.
  public let bytes: [UInt8]

  /// 16 bytes in the order of the canonical text.
  public init?(canonicalBytes: some Collection<UInt8>) {
    guard canonicalBytes.count == 16 else { return nil }
    bytes = Array(canonicalBytes)
  }

  /// 16 bytes as SMBIOS and DHCP option 97 carry them.
  public init?(wireBytes: some Collection<UInt8>) {
    guard wireBytes.count == 16 else { return nil }
    bytes = SystemUUID.swapped(Array(wireBytes))
  }

  /// Parses `8-4-4-4-12` hexadecimal digits, with or without hyphens, in either case.
  public init(_ text: String) throws(AddressError) {
    let digits = text.utf8.filter { $0 != UInt8(ascii: "-") }
    guard digits.count == 32, digits.allSatisfy({ Character(UnicodeScalar($0)).isHexDigit }) else {
      throw .invalidUUID(text)
    }
    bytes = stride(from: 0, to: 32, by: 2).map { index in
      UInt8(String(decoding: digits[index..<index + 2], as: UTF8.self), radix: 16) ?? 0
    }
  }

  /// The bytes as SMBIOS and DHCP option 97 carry them.
  public var wireBytes: [UInt8] { SystemUUID.swapped(bytes) }

  public var description: String {
    let hex = bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }
    return [0..<4, 4..<6, 6..<8, 8..<10, 10..<16].map { hex[$0].joined() }.joined(separator: "-")
  }

  /// True for values that boards carry whose maker never programmed one: they identify nothing.
  public var isPlaceholder: Bool {
    if Set(bytes).count == 1 { return true }
    return SystemUUID.placeholders.contains(description)
  }

  /// Seen on boards of several makers (FOG project issue 196, MAAS LP#1893690).
  private static let placeholders: Set<String> = [
    "03000200-0400-0500-0006-000700080009",
    "00020003-0004-0005-0006-000700080009",
    "12345678-1234-5678-90ab-cddeefaabbcc",
  ]

  private static func swapped(_ bytes: [UInt8]) -> [UInt8] {
    [3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15].map { bytes[$0] }
  }
}

extension SystemUUID: Codable {
  public init(from decoder: any Decoder) throws {
    self = try SystemUUID(decoder.singleValueContainer().decode(String.self))
  }

  public func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    try container.encode(description)
  }
}
