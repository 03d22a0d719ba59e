/// The code of a DHCP option (RFC 2132 and the IANA registry).
public struct DHCPOptionCode: RawRepresentable, Hashable, Sendable, CustomStringConvertible {
  public let rawValue: UInt8

  public init(rawValue: UInt8) { self.rawValue = rawValue }

  public static let pad = Self(rawValue: 0)
  public static let hostName = Self(rawValue: 12)
  public static let vendorSpecific = Self(rawValue: 43)
  public static let requestedAddress = Self(rawValue: 50)
  public static let overload = Self(rawValue: 52)
  public static let messageType = Self(rawValue: 53)
  public static let serverIdentifier = Self(rawValue: 54)
  public static let parameterRequestList = Self(rawValue: 55)
  public static let maximumMessageSize = Self(rawValue: 57)
  public static let vendorClass = Self(rawValue: 60)
  public static let clientIdentifier = Self(rawValue: 61)
  public static let serverName = Self(rawValue: 66)
  public static let bootFile = Self(rawValue: 67)
  public static let userClass = Self(rawValue: 77)
  public static let relayAgentInformation = Self(rawValue: 82)
  public static let clientArchitecture = Self(rawValue: 93)
  public static let clientNetworkInterface = Self(rawValue: 94)
  public static let machineIdentifier = Self(rawValue: 97)
  /// Etherboot's and iPXE's own encapsulated options.
  public static let iPXE = Self(rawValue: 175)
  public static let end = Self(rawValue: 255)

  /// Not an option but framing: padding, the overload marker and the end marker.
  public var isFraming: Bool { self == .pad || self == .overload || self == .end }

  public var description: String { String(rawValue) }
}
