/// What an iPXE (or FlexBoot, gPXE) says about itself in option 175. Sub-option numbers are from iPXE's `features.h`
/// and `dhcp.h`.
public struct IPXEOptions: Hashable, Sendable {
  /// The protocols and formats the build has.
  public let features: IPXEFeatures
  /// Sub-option 0xEB, as `1.21.1`.
  public let version: String?
  /// Sub-option 0xB1: bus type, vendor and product.
  public let busIdentifier: [UInt8]?
  /// True where a sub-option runs over the end; what stood before it counts.
  public let isDamaged: Bool

  /// Reads any bytes. Damage is kept as a fact and not refused, because the option's presence alone says that the
  /// client is an iPXE.
  public init(_ bytes: [UInt8]) {
    var features: IPXEFeatures = []
    var version: String?
    var busIdentifier: [UInt8]?
    var isDamaged = false
    var rest = bytes[...]
    while let code = rest.popFirst(), code != 255 {
      if code == 0 { continue }
      guard let length = rest.popFirst().map({ Int($0) }), length <= rest.count else {
        isDamaged = true
        break
      }
      let value = rest.prefix(length)
      rest = rest.dropFirst(length)
      switch code {
      case 0x10...0x3F where value.contains { $0 != 0 }: features.insert(IPXEFeatures(code: code))
      case 0xB1: busIdentifier = Array(value)
      case 0xEB: version = value.prefix(8).map { String($0) }.joined(separator: ".")
      default: break
      }
    }
    self.features = features
    self.version = version
    self.busIdentifier = busIdentifier
    self.isDamaged = isDamaged
  }
}

/// Features of an iPXE build, one bit per sub-option 0x10 to 0x3F of option 175.
public struct IPXEFeatures: OptionSet, Hashable, Sendable {
  public let rawValue: UInt64

  public init(rawValue: UInt64) { self.rawValue = rawValue }

  init(code: UInt8) { rawValue = code >= 0x10 && code <= 0x3F ? 1 << UInt64(code - 0x10) : 0 }

  public static let http = Self(code: 0x13)
  public static let https = Self(code: 0x14)
  public static let tftp = Self(code: 0x15)
  public static let dns = Self(code: 0x17)
  public static let bzImage = Self(code: 0x18)
  public static let pxe = Self(code: 0x21)
  public static let efi = Self(code: 0x24)
  public static let vlan = Self(code: 0x26)
  public static let menu = Self(code: 0x27)

  private static let names: [(feature: Self, name: String)] = [
    (.http, "http"), (.https, "https"), (.tftp, "tftp"), (.dns, "dns"), (.bzImage, "bzImage"), (.pxe, "pxe"),
    (.efi, "efi"), (.vlan, "vlan"), (.menu, "menu"),
  ]

  /// The features that have a name here.
  public var featureNames: [String] { Self.names.filter { contains($0.feature) }.map(\.name) }
}

extension IPXEFeatures: Codable {
  public init(from decoder: any Decoder) throws {
    let names = try decoder.singleValueContainer().decode([String].self)
    self = Self.names.filter { names.contains($0.name) }.reduce(into: []) { $0.insert($1.feature) }
  }

  public func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    try container.encode(featureNames)
  }
}
