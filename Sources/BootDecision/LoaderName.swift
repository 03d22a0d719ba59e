/// A loader's name as TFTP and HTTP serve it: letters, digits, `.`, `_` and `-`, 1 to 64 of them, not starting with a
/// dot.
public struct LoaderName: Hashable, Sendable, CustomStringConvertible {
  public let text: String

  public init(_ text: String) throws(InvalidLoaderName) {
    let bytes = text.utf8
    guard (1...64).contains(bytes.count), bytes.first != UInt8(ascii: "."), bytes.allSatisfy(Self.isAllowed) else {
      throw InvalidLoaderName(text: text)
    }
    self.text = text
  }

  /// For the names below, which are valid.
  private init(known: StaticString) { text = known.description }

  public static let undionly = LoaderName(known: "undionly.kpxe")
  public static let snponly = LoaderName(known: "snponly.efi")
  public static let arm64 = LoaderName(known: "ipxe-arm64.efi")

  private static func isAllowed(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
      UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "-"):
      true
    default: false
    }
  }

  public var description: String { text }
}

/// A text that is no loader's name.
public struct InvalidLoaderName: Error, Equatable, CustomStringConvertible {
  public let text: String

  public init(text: String) { self.text = text }

  public var description: String {
    "'\(text.prefix(64))' is not a loader name: letters, digits, '.', '_' and '-', at most 64, no leading dot"
  }
}

extension LoaderName: Codable {
  public init(from decoder: any Decoder) throws {
    self = try LoaderName(decoder.singleValueContainer().decode(String.self))
  }

  public func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    try container.encode(text)
  }
}
