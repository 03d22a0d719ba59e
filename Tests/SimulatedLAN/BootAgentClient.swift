import BootDecision
import DHCP
import NetworkAddress
import TFTP

/// A BIOS machine's UNDI ROM of the kind of Intel's Boot Agent.
final class BootAgentClient: PXEFirmware {
  /// ROMs that ask at port 4011, from port 68, whatever option 43 says (danderson/netboot issue 132).
  var asksBootServerAlways = false
  /// It does not accept proxy offers of other styles.
  var styles: Set<OfferStyle> = [.direct, .menu]

  /// It takes any acknowledgement for its lease, and hangs with the address 0.0.0.0.
  override var takesAcknowledgement: (DHCPMessage) -> Bool { { _ in true } }

  override func requestTemplate() -> DHCPMessage {
    var message = super.requestTemplate()
    message.setHardwareAddress(mac)
    message.flags = DHCPMessage.broadcastFlag
    message.seconds = 4
    message.options[.parameterRequestList] = [1, 3, 43, 60, 128, 129, 130, 131, 132, 133, 134, 135]
    message.options[.machineIdentifier] = [0] + mac.bytes + mac.bytes + [4, 3, 2, 1]
    message.options[.clientArchitecture] = [0, 0]
    message.options[.clientNetworkInterface] = [1, 2, 1]
    message.options[.vendorClass] = Array("PXEClient:Arch:00000:UNDI:002001".utf8)
    return message
  }

  private var proxy: DHCPMessage? {
    offers.first { offer in
      guard offer.isProxy, offer.vendorClass?.isPXE == true, let vendor = offer.pxe else { return false }
      return styles.contains(vendor.menu.isEmpty ? .direct : .menu)
    }
  }

  override func choose() -> DHCPMessage? { proxy == nil ? nil : offers.first { !$0.isProxy } }

  override func leased() {
    guard let lease, !lease.isProxy else { return finish(.gaveUp(.hung)) }
    guard let proxy, let vendor = proxy.pxe else { return finish(.gaveUp(.noOffer)) }
    let control = vendor.discoveryControl ?? []
    if control.contains(.onlyListedServers), vendor.bootServers.isEmpty { return finish(.gaveUp(.missingServerList)) }
    let direct = control.contains(.useThisBootFile) && !proxy.bootFileName.isEmpty
    if direct, !asksBootServerAlways { return load(proxy) }
    let item = vendor.menu.first.map { PXEVendorOptions.BootItem(type: $0.type, layer: 0) }
    let server = vendor.bootServers.first { $0.type == item?.type }?.addresses.first ?? proxy.bootServer
    askBootServer(server, item: item, from: 68) { [weak self] reply in
      if let reply { self?.load(reply) } else { self?.finish(.gaveUp(.noOffer)) }
    }
  }

  private func manner(isProbe: Bool) -> TFTPDownload.Manner {
    TFTPDownload.Manner(
      options: [TFTPOption("tsize", "0"), TFTPOption("blksize", "1456")],
      timeouts: Array(repeating: .seconds(4), count: 6), probe: isProbe ? (.notDefined, "TFTP Aborted") : nil)
  }

  private func load(_ offer: DHCPMessage) {
    let (name, server) = (offer.bootFileName, offer.bootServer)
    download(name, from: server, manner(isProbe: true)) { [weak self] result in
      guard let self else { return }
      guard case .size = result else { return finish(.gaveUp(EDK2Client.failure(result))) }
      download(name, from: server, manner(isProbe: false)) { [weak self] result in
        guard case .file(let content) = result else {
          self?.finish(.gaveUp(EDK2Client.failure(result)))
          return
        }
        self?.content = content
        self?.finish(.loaded(name, from: server))
      }
    }
  }
}
