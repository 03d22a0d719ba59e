import NIOCore
import NetworkAddress

/// Who sent a packet: the transfer ID of a client (RFC 1350 section 4).
struct PeerAddress: Hashable, Sendable {
  let address: IPv4Address
  let port: Int

  init(address: IPv4Address, port: Int) {
    self.address = address
    self.port = port
  }

  /// Nil for IPv6 and Unix addresses.
  init?(_ address: SocketAddress) {
    guard case .v4 = address, let text = address.ipAddress, let port = address.port,
      let ipv4 = try? IPv4Address(text)
    else { return nil }
    self.address = ipv4
    self.port = port
  }
}
