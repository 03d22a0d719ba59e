import DHCP
import NetworkAddress

/// A second proxyDHCP server that somebody runs on the same network.
final class OtherBootServer: TFTPOwner {
  enum Style {
    case direct
    /// No option 43; port 4011 answers or not.
    case binl(answers: Bool)
    /// Option 43 that neither names a menu nor says to load the file: a common fault.
    case controlOnly
    /// As `siderolabs/booter` and Omni's provider were found: no option 54.
    case withoutServerIdentifier
    /// No boot file in the offer, only at port 4011, from the port that is given.
    case fileAtBootServer(replyPort: UInt16)
  }

  static let address = IPv4Address(192, 168, 1, 20)
  static let file = "other.efi"

  private let lan: SimulatedLAN
  private let style: Style
  private let delay: Duration
  private let tftp: SimulatedTFTP

  init(_ lan: SimulatedLAN, _ style: Style, delay: Duration = .zero) {
    self.lan = lan
    self.style = style
    self.delay = delay
    tftp = SimulatedTFTP(lan, address: Self.address, files: [Self.file: Loaders.bytes(20_000, 9)])
    tftp.owner = self
    lan.attachServer(self, address: Self.address, to: .lan)
  }

  func transferEnded(_ name: String, to peer: IPv4Address, isWhole: Bool) {}

  func receive(_ datagram: Datagram, on link: Link) {
    guard datagram.destination.port == 67 || datagram.destination.port == 4011 else { return tftp.receive(datagram) }
    guard let request = try? DHCPMessage(datagram.payload), request.operation == .request,
      request.vendorClass?.isPXE == true
    else { return }
    let isBootServer = datagram.destination.port == 4011
    guard request.messageType == (isBootServer ? .request : .discover) else { return }
    var reply = DHCPMessage(operation: .reply, transactionID: request.transactionID)
    reply.hardwareAddressField = request.hardwareAddressField
    reply.flags = DHCPMessage.broadcastFlag
    reply.nextServerAddress = Self.address
    reply.bootFile = Array(Self.file.utf8)
    reply.messageType = isBootServer ? .acknowledgement : .offer
    reply.serverIdentifier = Self.address
    reply.options[.vendorClass] = VendorClass.pxeClient.bytes
    var replyPort: UInt16 = isBootServer ? 4011 : 67
    switch style {
    case .direct: reply.options[.vendorSpecific] = [6, 1, 8, 255]
    case .binl(let answers): if isBootServer, !answers { return }
    case .controlOnly: reply.options[.vendorSpecific] = [6, 1, 3, 255]
    case .withoutServerIdentifier: reply.serverIdentifier = nil
    case .fileAtBootServer(let port):
      if isBootServer { replyPort = port } else { reply.bootFile = [] }
    }
    guard let payload = try? reply.serialised() else { return }
    let destination = isBootServer ? datagram.source : Endpoint(.broadcast, 68)
    let answer = Datagram(
      source: Endpoint(Self.address, replyPort), destination: destination, payload: payload)
    lan.after(delay) { [self] in lan.send(answer, from: self, on: link) }
  }
}
