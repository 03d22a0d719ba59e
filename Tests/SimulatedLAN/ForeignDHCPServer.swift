import DHCP
import NetworkAddress

/// Somebody else's DHCP server, which gives out addresses and, set up badly, more than that.
final class ForeignDHCPServer: SimulatedHost {
  struct Settings {
    var bootFile = ""
    var nextServer = IPv4Address.any
    /// Option 60 in its replies, a leftover of WDS for example.
    var vendorClass: VendorClass?
    var vendorOptions: PXEVendorOptions?
    var namesDNS = true
    var replyDelay = Duration.zero
    /// iPXE's option 175.176: do not wait for a proxy.
    var tellsIPXENotToWait = false
  }

  static let address = IPv4Address(192, 168, 1, 1)

  private let lan: SimulatedLAN
  private let settings: Settings
  private var leases: [MACAddress: IPv4Address] = [:]

  init(_ lan: SimulatedLAN, _ settings: Settings = Settings()) {
    self.lan = lan
    self.settings = settings
    lan.attachServer(self, address: Self.address, to: .lan)
  }

  func receive(_ datagram: Datagram, on link: Link) {
    guard datagram.destination.port == 67, let request = try? DHCPMessage(datagram.payload),
      request.operation == .request, let mac = request.macAddress
    else { return }
    let type: DHCPMessageType
    switch request.messageType {
    case .discover: type = .offer
    case .request where request.serverIdentifier == Self.address: type = .acknowledgement
    default: return
    }
    var reply = DHCPMessage(operation: .reply, transactionID: request.transactionID)
    reply.setHardwareAddress(mac)
    reply.flags = request.flags
    reply.relayAddress = request.relayAddress
    reply.yourAddress = lease(mac, relay: request.relayAddress)
    reply.nextServerAddress = settings.nextServer
    reply.bootFile = Array(settings.bootFile.utf8)
    reply.messageType = type
    reply.serverIdentifier = Self.address
    reply.options[DHCPOptionCode(rawValue: 51)] = [0, 0, 0x0E, 0x10]
    reply.options[DHCPOptionCode(rawValue: 1)] = [255, 255, 0, 0]
    reply.options[DHCPOptionCode(rawValue: 3)] = Self.address.bytes
    if settings.namesDNS { reply.options[DHCPOptionCode(rawValue: 6)] = Self.address.bytes }
    reply.options[.vendorClass] = settings.vendorClass?.bytes
    if settings.tellsIPXENotToWait { reply.options[.iPXE] = [176, 1, 1] }
    reply.options[.relayAgentInformation] = request.relayAgentInformation
    if let vendor = settings.vendorOptions { reply.options[.vendorSpecific] = try? vendor.serialised() }
    guard let payload = try? reply.serialised() else { return }
    let isRelayed = request.relayAddress != .any
    let destination = isRelayed ? Endpoint(request.relayAddress, 67) : Endpoint(.broadcast, 68)
    lan.after(settings.replyDelay) { [self] in
      lan.send(
        Datagram(source: Endpoint(Self.address, 67), destination: destination, payload: payload), from: self, on: link)
    }
  }

  private func lease(_ mac: MACAddress, relay: IPv4Address) -> IPv4Address {
    if let known = leases[mac] { return known }
    let number = UInt32(leases.count)
    let network: UInt32 = relay == .any ? IPv4Address(192, 168, 8, 1).value : relay.value & 0xFFFF_FF00 | 100
    leases[mac] = IPv4Address(network + number)
    return leases[mac] ?? .any
  }
}
