/// A machine's name: one host name label of RFC 1123, in lower case.
public struct MachineName: Hashable, Sendable, Codable, CustomStringConvertible, Comparable {
  public let text: String

  /// - Throws: ``FleetError/invalidName(_:)`` unless the text is 1 to 63 letters, digits and inner hyphens.
  public init(_ text: String) throws(FleetError) {
    let allowed = text.utf8.allSatisfy { byte in
      (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte) || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
        || byte == UInt8(ascii: "-")
    }
    guard allowed, (1...63).contains(text.utf8.count), !text.hasPrefix("-"), !text.hasSuffix("-") else {
      throw .invalidName(text)
    }
    self.text = text
  }

  public init(from decoder: any Decoder) throws {
    self = try MachineName(decoder.singleValueContainer().decode(String.self))
  }

  public func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    try container.encode(text)
  }

  public var description: String { text }
  public static func < (left: Self, right: Self) -> Bool { left.text < right.text }
}
