import DHCP
import NetworkAddress
import TFTP

/// U-Boot on ARM64 with CONFIG_SERVERIP_FROM_PROXYDHCP (net/bootp.c, net/tftp.c): of a proxy's offer it reads nothing
/// but the header.
final class UBootClient: SimulatedClient {
  private static let timeouts: [Duration] = [.milliseconds(500), .seconds(1), .seconds(2), .seconds(4), .seconds(8)]

  /// CONFIG_SERVERIP_FROM_PROXYDHCP_DELAY_MS; 100 ms by default.
  var proxyWait = Duration.milliseconds(100)
  private var server = IPv4Address.any
  private var file = ""

  override func requestTemplate() -> DHCPMessage {
    var message = super.requestTemplate()
    message.setHardwareAddress(mac)
    message.options[.maximumMessageSize] = [0x02, 0x40]
    message.options[.parameterRequestList] = [1, 3, 6, 12, 17, 28, 40, 66, 67]
    message.options[.clientArchitecture] = [0, 0x16]
    message.options[.clientNetworkInterface] = [1, 0, 0]
    message.options[.vendorClass] = Array("PXEClient:Arch:00022:UNDI:003000".utf8)
    return message
  }

  override func begin() {
    (server, file) = (.any, "")
    discover(Self.timeouts[...])
  }

  private func discover(_ timeouts: ArraySlice<Duration>) {
    guard let timeout = timeouts.first else { return finish(.gaveUp(.noOffer)) }
    var message = requestTemplate()
    message.messageType = .discover
    var hasOffer = false
    listen(on: 68) { [weak self] datagram in
      guard let self, let offer = reply(datagram), offer.messageType == .offer else { return }
      if offer.isProxy {
        server = offer.nextServerAddress
        file = String(decoding: offer.bootFile, as: UTF8.self)
      } else if !hasOffer {
        hasOffer = true
        cancelTimers()
        wait(proxyWait) { _ in self.requestOffer(offer) }
      }
    }
    send(message)
    wait(timeout) { _ in self.discover(timeouts.dropFirst()) }
  }

  private func requestOffer(_ offer: DHCPMessage) {
    request(offer, timeouts: Self.timeouts[...], takes: { !$0.isProxy }) { [weak self] hasLease in
      guard let self else { return }
      guard hasLease else { return finish(.gaveUp(.noOffer)) }
      guard server != .any, !file.isEmpty else { return finish(.gaveUp(.serverAddressNotSet)) }
      load()
    }
  }

  private func load() {
    let (name, server) = (file, server)
    let manner = TFTPDownload.Manner(
      options: [TFTPOption("timeout", "5"), TFTPOption("blksize", "1468"), TFTPOption("tsize", "0")],
      timeouts: Array(repeating: .seconds(5), count: 10))
    download(name, from: server, manner) { [weak self] result in
      guard let self else { return }
      switch result {
      case .file(let content):
        self.content = content
        finish(.loaded(name, from: server))
      case .refusedOptions: finish(.gaveUp(.invalidTimeout))
      default: finish(.gaveUp(EDK2Client.failure(result)))
      }
    }
  }
}
