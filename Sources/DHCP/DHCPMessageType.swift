/// Option 53 (RFC 2132, 9.6; RFC 3203 for 9).
public enum DHCPMessageType: UInt8, Sendable, CaseIterable, Codable, CustomStringConvertible {
  case discover = 1
  case offer = 2
  case request = 3
  case decline = 4
  case acknowledgement = 5
  case negativeAcknowledgement = 6
  case release = 7
  case inform = 8
  case forceRenew = 9

  public var description: String {
    switch self {
    case .discover: "DISCOVER"
    case .offer: "OFFER"
    case .request: "REQUEST"
    case .decline: "DECLINE"
    case .acknowledgement: "ACK"
    case .negativeAcknowledgement: "NAK"
    case .release: "RELEASE"
    case .inform: "INFORM"
    case .forceRenew: "FORCERENEW"
    }
  }
}
