import DHCP
import NetworkAddress
import TFTP

/// iPXE, as a card's ROM or loaded by other firmware (src/net/udp/dhcp.c, usr/autoboot.c).
final class IPXEClient: SimulatedClient {
  /// What one build says of itself.
  struct Build {
    var architecture: UInt16 = 0
    var vendorClass = "PXEClient:Arch:00000:UNDI:002001"
    var userClass: [UInt8]? = Array("iPXE".utf8)
    /// Option 175: HTTP, TFTP, bzImage or EFI, menu.
    var features: [UInt8]? = [0x13, 1, 1, 0x15, 1, 1, 0x18, 1, 1, 0x24, 1, 1, 0x27, 1, 1, 0xEB, 3, 1, 21, 1]
    var hasHTTP = true

    static let rom = Build()
    /// It copies the vendor class of the cached proxy offer.
    static func chained(architecture: UInt16) -> Build { Build(architecture: architecture, vendorClass: "PXEClient") }
    /// VirtualBox ships one without HTTP and bzImage.
    static let stripped = Build(features: [0x15, 1, 1, 0x21, 1, 1], hasHTTP: false)
    /// Mellanox FlexBoot sends no user class.
    static let flexBoot = Build(userClass: nil)
  }

  private static let timeouts: [Duration] = [.seconds(1), .seconds(2), .seconds(4), .seconds(8)]
  static let transferTimeouts: [Duration] = [
    .milliseconds(250), .milliseconds(500), .seconds(1), .seconds(2), .seconds(4), .seconds(8),
  ]
  private static let proxyWait = Duration.seconds(2)

  var build = Build.rom
  private var begun = Duration.zero
  private var offer: DHCPMessage?
  private var proxy: DHCPMessage?

  override func requestTemplate() -> DHCPMessage {
    var message = super.requestTemplate()
    message.setHardwareAddress(mac)
    // It abuses the field for what it has seen.
    message.seconds = 4 | (offer == nil ? 0 : 2) | (proxy == nil ? 0 : 1)
    message.options[.maximumMessageSize] = [0x05, 0xC0]
    message.options[.parameterRequestList] = [1, 3, 6, 7, 12, 15, 17, 26, 43, 60, 66, 67, 119, 128, 175, 203]
    message.options[.machineIdentifier] = [0] + mac.bytes + mac.bytes + [9, 9, 9, 9]
    message.options[.clientArchitecture] = [UInt8(build.architecture >> 8), UInt8(build.architecture & 255)]
    message.options[.clientNetworkInterface] = [1, 2, 1]
    message.options[.vendorClass] = Array(build.vendorClass.utf8)
    message.options[.userClass] = build.userClass
    message.options[.iPXE] = build.features
    message.options[.clientIdentifier] = [1] + mac.bytes
    return message
  }

  // MARK: DHCP

  override func begin() {
    begun = lan.now
    (offer, proxy) = (nil, nil)
    discover(Self.timeouts[...])
  }

  private var hasWaited: Bool { lan.now - begun >= Self.proxyWait }

  private func discover(_ timeouts: ArraySlice<Duration>) {
    if offer != nil, hasWaited { return requestOffer() }
    guard let timeout = timeouts.first else {
      if offer != nil { return requestOffer() }
      return finish(.gaveUp(.nothingToBoot))
    }
    var message = requestTemplate()
    message.messageType = .discover
    listen(on: 68) { [weak self] datagram in
      if let self, let offer = reply(datagram), offer.messageType == .offer { heard(offer) }
    }
    send(message)
    wait(timeout) { _ in self.discover(timeouts.dropFirst()) }
  }

  private func heard(_ message: DHCPMessage) {
    if message.isProxy {
      guard message.vendorClass?.isPXE == true else { return }
      proxy = proxy ?? message
    } else {
      offer = offer ?? message
    }
    guard let offer else { return }
    // Sub-option 176 of its own options: do not wait.
    if proxy != nil || hasWaited || offer.options[.iPXE]?.starts(with: [176, 1, 1]) == true { requestOffer() }
  }

  private func requestOffer() {
    guard let offer else { return }
    cancelTimers()
    request(offer, timeouts: Self.timeouts[...], takes: { !$0.isProxy }) { [weak self] hasLease in
      if hasLease { self?.chooseFile() } else { self?.finish(.gaveUp(.nothingToBoot)) }
    }
  }

  // MARK: File

  /// The DHCP server's file wins over the proxy's.
  private func chooseFile() {
    if let lease, !lease.bootFileName.isEmpty { return boot(lease.bootFileName, nextServer: lease.bootServer) }
    guard let proxy else { return finish(.gaveUp(.nothingToBoot)) }
    if proxy.nextServerAddress != .any, !proxy.bootFileName.isEmpty {
      return boot(proxy.bootFileName, nextServer: proxy.nextServerAddress)
    }
    askProxy(proxy, timeouts: Self.timeouts[...])
  }

  private func askProxy(_ proxy: DHCPMessage, timeouts: ArraySlice<Duration>) {
    guard let timeout = timeouts.first else { return finish(.gaveUp(.nothingToBoot)) }
    var message = requestTemplate()
    message.messageType = .request
    message.flags = DHCPMessage.broadcastFlag
    message.clientAddress = address
    message.serverIdentifier = proxy.serverIdentifier
    listen(on: 68) { [weak self] datagram in
      guard let self, datagram.source.port == 4011, let reply = reply(datagram),
        reply.messageType == .acknowledgement || reply.messageType == .offer, reply.nextServerAddress != .any,
        reply.serverIdentifier == proxy.serverIdentifier, !reply.bootFileName.isEmpty
      else { return }
      cancelTimers()
      close(68)
      boot(reply.bootFileName, nextServer: reply.nextServerAddress)
    }
    send(message, to: Endpoint(proxy.bootServer, 4011))
    wait(timeout) { _ in self.askProxy(proxy, timeouts: timeouts.dropFirst()) }
  }

  private func boot(_ file: String, nextServer: IPv4Address) {
    if file.hasPrefix("http://") {
      guard build.hasHTTP else { return finish(.gaveUp(.unsupportedProtocol)) }
      return fetch(file) { [weak self] isThere in
        self?.finish(isThere ? .script(file) : .gaveUp(.nothingToBoot))
      }
    }
    var (name, server) = (file, nextServer)
    if file.hasPrefix("tftp://") {
      let parts = file.dropFirst("tftp://".count).split(separator: "/", maxSplits: 1)
      guard parts.count == 2, let address = try? IPv4Address(String(parts[0])) else {
        return finish(.gaveUp(.nothingToBoot))
      }
      (name, server) = (String(parts[1]), address)
    }
    let manner = TFTPDownload.Manner(
      options: [TFTPOption("blksize", "1432"), TFTPOption("tsize", "0")], timeouts: Self.transferTimeouts,
      disorder: .acknowledge)
    download(name, from: server, manner) { [weak self] result in
      guard case .file(let content) = result else {
        self?.finish(.gaveUp(.nothingToBoot))
        return
      }
      self?.content = content
      self?.finish(.loaded(name, from: server))
    }
  }
}
