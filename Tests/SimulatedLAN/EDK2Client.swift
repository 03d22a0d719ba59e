import BootDecision
import DHCP
import NetworkAddress
import TFTP

/// UEFI PXE as EDK2's UefiPxeBcDxe does it (PxeBcDhcp4.c, PxeBcBoot.c, Mtftp4Rrq.c).
final class EDK2Client: PXEFirmware {
  private enum Kind { case dhcpOnly, dhcpBINL, dhcpPXE10, proxyPXE10, proxyBINL, useless }
  private enum Choice { case dhcpPXE10(DHCPMessage), proxyPXE10(DHCPMessage), dhcpBINL, proxyBINL, dhcpFile }

  /// RFC 2132 lengths that EDK2 knows; one that is wrong spoils the whole packet (Dhcp4Option.c).
  private static let lengths: [UInt8: Int] = [1: 4, 3: 4, 6: 4, 51: 4, 53: 1, 54: 4, 57: 2]

  var architecture: UInt16 = 7
  /// Firmware that is more choosy than EDK2 takes no proxy offers but those of these styles.
  var styles = Set(OfferStyle.allCases)
  /// It asks at port 4011 and makes nothing of the answer, as behind a firewall that drops it.
  var ignoresBootServer = false
  /// What the loaded file is started with.
  private(set) var bootServer = IPv4Address.any
  private var choice: Choice?

  override func requestTemplate() -> DHCPMessage {
    var message = super.requestTemplate()
    message.setHardwareAddress(mac)
    message.flags = DHCPMessage.broadcastFlag
    message.options[.maximumMessageSize] = [0x05, 0xC0]
    message.options[.parameterRequestList] = [1, 2, 3, 4, 5, 6, 12, 13, 43, 54, 60, 66, 67, 97, 128, 135]
    message.options[.machineIdentifier] = [0] + mac.bytes + mac.bytes + [1, 2, 3, 4]
    message.options[.clientNetworkInterface] = [1, 3, 0]
    message.options[.clientArchitecture] = [UInt8(architecture >> 8), UInt8(architecture & 255)]
    let number = String(architecture)
    message.options[.vendorClass] = Array(
      "PXEClient:Arch:\(String(repeating: "0", count: 5 - number.count) + number):UNDI:003000".utf8)
    return message
  }

  // MARK: Choice

  override func accepts(_ offer: DHCPMessage, length: Int) -> Bool {
    guard length <= 1472, let server = offer.serverIdentifier, server != .any else { return false }
    guard
      offer.options.allSatisfy({ option in Self.lengths[option.code.rawValue].map { $0 == option.value.count } ?? true }
      )
    else { return false }
    return offer.isProxy ? styles.contains(style(of: offer)) : true
  }

  private func style(of offer: DHCPMessage) -> OfferStyle {
    guard let vendor = offer.pxe else { return .binl }
    return vendor.menu.isEmpty ? .direct : .menu
  }

  private func kind(_ offer: DHCPMessage) -> Kind {
    let isPXE = offer.vendorClass?.isPXE ?? false
    let hasDiscovery = offer.pxe.map {
      $0.discoveryControl != nil || $0.multicastAddress != nil || !$0.bootServers.isEmpty || !$0.menu.isEmpty
        || $0.prompt != nil
    }
    switch (offer.isProxy, isPXE, hasDiscovery ?? false) {
    case (false, false, _): return .dhcpOnly
    case (false, true, true): return .dhcpPXE10
    case (false, true, false): return .dhcpBINL
    case (true, true, true): return .proxyPXE10
    case (true, true, false): return .proxyBINL
    case (true, false, _): return .useless
    }
  }

  override func choose() -> DHCPMessage? {
    func first(_ wanted: Kind) -> DHCPMessage? { offers.first { kind($0) == wanted } }
    if let offer = first(.dhcpPXE10) {
      choice = .dhcpPXE10(offer)
      return offer
    }
    let dhcp = first(.dhcpOnly)
    if let dhcp, let proxy = first(.proxyPXE10) {
      choice = .proxyPXE10(proxy)
      return dhcp
    }
    if let offer = first(.dhcpBINL) {
      choice = .dhcpBINL
      return offer
    }
    if let dhcp, first(.proxyBINL) != nil {
      choice = .proxyBINL
      return dhcp
    }
    if let offer = offers.first(where: { kind($0) == .dhcpOnly && !$0.bootFileName.isEmpty }) {
      choice = .dhcpFile
      return offer
    }
    return nil
  }

  override func leased() {
    guard let lease else { return finish(.gaveUp(.noOffer)) }
    switch choice {
    case .dhcpPXE10(let offer), .proxyPXE10(let offer): followVendorOptions(offer)
    case .dhcpBINL: askInTurn([lease])
    case .proxyBINL: askInTurn(offers.filter { kind($0) == .proxyBINL }[...])
    case .dhcpFile: load(lease)
    case nil: finish(.gaveUp(.noOffer))
    }
  }

  private func followVendorOptions(_ offer: DHCPMessage) {
    guard let vendor = offer.pxe else { return finish(.gaveUp(.cancelled)) }
    if vendor.discoveryControl?.contains(.useThisBootFile) ?? false, !offer.bootFileName.isEmpty { return load(offer) }
    guard let entry = vendor.menu.first, entry.type != 0,
      let server = vendor.bootServers.first(where: { $0.type == entry.type })?.addresses.first
    else { return finish(.gaveUp(.cancelled)) }
    askBootServer(server, item: PXEVendorOptions.BootItem(type: entry.type, layer: 0), from: 4011) {
      [weak self] reply in
      if let reply { self?.load(reply) } else { self?.finish(.gaveUp(.noOffer)) }
    }
  }

  private func askInTurn(_ offers: ArraySlice<DHCPMessage>) {
    guard let offer = offers.first else { return finish(.gaveUp(.noOffer)) }
    askBootServer(offer.bootServer, from: 4011) { [weak self] reply in
      guard let self else { return }
      if let reply, !ignoresBootServer { load(reply) } else { askInTurn(offers.dropFirst()) }
    }
  }

  // MARK: File

  /// What EDK2 sends since 2018-09: the size first, then all over again.
  static func manner(_ options: [TFTPOption], isProbe: Bool) -> TFTPDownload.Manner {
    TFTPDownload.Manner(
      options: (isProbe ? [TFTPOption("tsize", "0")] : []) + options,
      timeouts: Array(repeating: .seconds(4), count: 6), disorder: .acknowledge,
      probe: isProbe ? (.optionRefused, "User aborted the transfer") : nil, needsOptionAcknowledgement: true)
  }

  private static let options = [TFTPOption("blksize", "1468"), TFTPOption("windowsize", "4")]

  private func load(_ offer: DHCPMessage) {
    let name = offer.bootFileName
    bootServer = offer.bootServer
    download(name, from: bootServer, Self.manner(Self.options, isProbe: true)) { [weak self] result in
      guard let self else { return }
      guard case .size(let size) = result else { return finish(.gaveUp(Self.failure(result))) }
      guard let size, size > 0 else { return finish(.gaveUp(.noSize)) }
      download(name, from: bootServer, Self.manner(Self.options, isProbe: false)) { [weak self] result in
        guard let self else { return }
        guard case .file(let content) = result, content.count == size else {
          return finish(.gaveUp(Self.failure(result)))
        }
        self.content = content
        finish(.loaded(name, from: bootServer))
      }
    }
  }

  static func failure(_ result: TFTPDownload.Result) -> ClientOutcome.Failure {
    switch result {
    case .timedOut: .noTFTPAnswer
    case .error: .tftpError
    case .file, .size, .refusedOptions, .noOptionAcknowledgement: .networkError
    }
  }
}
