/// A text that should have been an address.
public enum AddressError: Error, Equatable, CustomStringConvertible {
  case invalidMAC(String)
  case invalidIPv4(String)
  case invalidUUID(String)

  public var description: String {
    switch self {
    case .invalidMAC(let text):
      "'\(text.prefix(64))' is not a MAC address; write it like 52:54:00:12:34:56"
    case .invalidIPv4(let text):
      "'\(text.prefix(64))' is not an IPv4 address; write it like 192.0.2.10"
    case .invalidUUID(let text):
      "'\(text.prefix(64))' is not a UUID; write it like 4c4c4544-0051-3510-8052-b4c04f4e4e32"
    }
  }
}
