import DHCP
import NetworkAddress

/// Firmware that collects offers for 4, 8, 16 and 32 s, as PXE 2.1 tells it, and chooses among them at the end of
/// each of these times.
class PXEFirmware: SimulatedClient {
  static let timeouts: [Duration] = [.seconds(4), .seconds(8), .seconds(16), .seconds(32)]

  private(set) var offers: [DHCPMessage] = []
  /// The first PXE reply decides; an acknowledgement with no address in it is none.
  var takesAcknowledgement: (DHCPMessage) -> Bool { { !$0.isProxy } }

  /// The DHCP offer to ask for, where the offers make a boot possible.
  func choose() -> DHCPMessage? { nil }
  func accepts(_ offer: DHCPMessage, length: Int) -> Bool { true }
  func leased() {}

  override func begin() {
    offers = []
    discover(Self.timeouts[...])
  }

  private func discover(_ timeouts: ArraySlice<Duration>) {
    guard let timeout = timeouts.first else { return finish(.gaveUp(.noOffer)) }
    var message = requestTemplate()
    message.messageType = .discover
    listen(on: 68) { [weak self] datagram in
      guard let self, let offer = reply(datagram), offer.messageType == .offer,
        accepts(offer, length: datagram.payload.count), offers.count < 16
      else { return }
      offers.append(offer)
    }
    send(message)
    wait(timeout) { _ in self.selectOffer(timeouts.dropFirst()) }
  }

  private func selectOffer(_ rest: ArraySlice<Duration>) {
    guard let offer = choose() else {
      // EDK2 drops the last offer and asks again.
      if !offers.isEmpty { offers.removeLast() }
      return discover(rest)
    }
    request(offer, timeouts: Self.timeouts[...], takes: takesAcknowledgement) { [weak self] hasLease in
      if hasLease { self?.leased() } else { self?.finish(.gaveUp(.noOffer)) }
    }
  }

  /// Asks a boot server at port 4011, for 1, 2, 3 and 4 s. EDK2 looks at what came at the end of each of these times.
  func askBootServer(
    _ server: IPv4Address, item: PXEVendorOptions.BootItem? = nil, from port: UInt16, seconds: Int = 1,
    _ done: @escaping (DHCPMessage?) -> Void
  ) {
    guard seconds <= 4 else {
      close(port)
      return done(nil)
    }
    if seconds == 1 { transactionID = UInt32(truncatingIfNeeded: lan.randomNumber()) }
    var message = requestTemplate()
    message.messageType = .request
    message.clientAddress = address
    message.flags = 0
    // EDK2 swaps the bytes.
    message.seconds = UInt16(seconds).byteSwapped
    if let item {
      var options = PXEVendorOptions()
      options.bootItem = item
      message.options[.vendorSpecific] = try? options.serialised()
    }
    var answer: DHCPMessage?
    listen(on: port) { [weak self] datagram in
      guard let reply = self?.reply(datagram), reply.messageType == .acknowledgement, datagram.source.address == server,
        !reply.bootFileName.isEmpty, item == nil || reply.pxe?.bootItem?.type == item?.type
      else { return }
      answer = answer ?? reply
    }
    send(message, from: port, to: Endpoint(server, 4011))
    wait(.seconds(seconds)) { _ in
      if let answer {
        self.close(port)
        done(answer)
      } else {
        self.askBootServer(server, item: item, from: port, seconds: seconds + 1, done)
      }
    }
  }
}
