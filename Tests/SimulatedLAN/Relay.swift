import DHCP
import NetworkAddress

/// A DHCP relay agent on the router of the branch, with a helper address for each server.
final class Relay: SimulatedHost {
  static let address = IPv4Address(10, 1, 0, 1)
  private static let information: [UInt8] = [1, 4, 0, 7, 0, 3]

  /// Replies that it dropped, as real ones do, and replies without its own option 82.
  private(set) var dropped = 0
  private(set) var withoutInformation = 0
  private let lan: SimulatedLAN
  private let helpers: [IPv4Address]

  init(_ lan: SimulatedLAN, helpers: [IPv4Address] = [ForeignDHCPServer.address, Appliance.address]) {
    self.lan = lan
    self.helpers = helpers
    lan.attachServer(self, address: Self.address, to: .branch)
  }

  func receive(_ datagram: Datagram, on link: Link) {
    guard datagram.destination.port == 67, var message = try? DHCPMessage(datagram.payload) else { return }
    switch message.operation {
    case .request:
      message.relayAddress = Self.address
      message.hops += 1
      message.options[.relayAgentInformation] = Self.information
      for helper in helpers { send(message, to: Endpoint(helper, 67)) }
    case .reply:
      // OpenBSD's dhcrelay drops short ones; without the broadcast flag they go to yiaddr, which a proxy has not.
      let isDeliverable =
        datagram.payload.count >= 300
        && (message.flags & DHCPMessage.broadcastFlag != 0 || message.yourAddress != .any)
      guard isDeliverable, message.relayAddress == Self.address else { return dropped += 1 }
      if message.relayAgentInformation != Self.information { withoutInformation += 1 }
      message.options[.relayAgentInformation] = nil
      send(message, to: Endpoint(.broadcast, 68))
    }
  }

  private func send(_ message: DHCPMessage, to destination: Endpoint) {
    guard let payload = try? message.serialised() else { return }
    lan.send(
      Datagram(source: Endpoint(Self.address, 67), destination: destination, payload: payload), from: self, on: .branch)
  }
}
