import DHCP
import NetworkAddress
import TFTP

/// What all network boot clients have in common: a MAC address, a lease, timers, and an end.
class SimulatedClient: SimulatedHost {
  let lan: SimulatedLAN
  let mac: MACAddress
  let link: Link
  private(set) var address = IPv4Address.any
  private(set) var outcome: ClientOutcome?
  private(set) var finishedAt: Duration?
  private(set) var attempts = 0
  /// How often the machine's firmware goes through its list of boot devices.
  var attemptLimit = 1
  /// From a failed boot to the next: big servers take minutes for their self-test.
  var pause = Duration.seconds(1)
  /// The content of the file that was loaded.
  var content: [UInt8] = []
  /// The acknowledgement of the lease.
  private(set) var lease: DHCPMessage?
  var transactionID: UInt32 = 0
  var onFinish: ((ClientOutcome) -> Void)?
  /// What listens on a port.
  private var listeners: [UInt16: (Datagram) -> Void] = [:]
  private var timerGeneration = 0

  init(_ lan: SimulatedLAN, _ mac: MACAddress, on link: Link = .lan) {
    self.lan = lan
    self.mac = mac
    self.link = link
  }

  // MARK: For each kind of client to say

  /// The message that the client's requests are made of.
  func requestTemplate() -> DHCPMessage { DHCPMessage(operation: .request, transactionID: transactionID) }

  func begin() {}

  // MARK: Life

  func powerOn() {
    lan.attachClient(self, mac, to: link)
    attempt()
  }

  private func attempt() {
    attempts += 1
    (address, lease, listeners) = (.any, nil, [:])
    cancelTimers()
    transactionID = UInt32(truncatingIfNeeded: lan.randomNumber())
    begin()
  }

  func finish(_ outcome: ClientOutcome) {
    guard self.outcome == nil else { return }
    cancelTimers()
    listeners = [:]
    if case .gaveUp(let failure) = outcome, failure != .hung, attempts < attemptLimit {
      return wait(pause) { $0.attempt() }
    }
    self.outcome = outcome
    finishedAt = lan.now
    onFinish?(outcome)
  }

  func wait(_ span: Duration, _ action: @escaping (SimulatedClient) -> Void) {
    let generation = timerGeneration
    lan.after(span) { [weak self] in
      guard let self, timerGeneration == generation else { return }
      action(self)
    }
  }

  func cancelTimers() { timerGeneration += 1 }

  // MARK: Datagrams

  func receive(_ datagram: Datagram, on link: Link) {
    guard datagram.isBroadcast || datagram.destination.address == address else { return }
    listeners[datagram.destination.port]?(datagram)
  }

  func listen(on port: UInt16, _ handler: @escaping (Datagram) -> Void) { listeners[port] = handler }

  func close(_ port: UInt16) { listeners[port] = nil }

  func freePort() -> UInt16 {
    var port: UInt16
    repeat { port = 49_152 + UInt16(truncatingIfNeeded: lan.randomNumber() % 16_000) } while listeners[port] != nil
    return port
  }

  func send(_ payload: [UInt8], from port: UInt16, to destination: Endpoint) {
    lan.send(
      Datagram(source: Endpoint(address, port), destination: destination, payload: payload), from: self, on: link)
  }

  func send(_ message: DHCPMessage, from port: UInt16 = 68, to destination: Endpoint = Endpoint(.broadcast, 67)) {
    guard let payload = try? message.serialised() else { return }
    send(payload, from: port, to: destination)
  }

  /// A reply to this client's present exchange.
  func reply(_ datagram: Datagram) -> DHCPMessage? {
    guard let message = try? DHCPMessage(datagram.payload), message.operation == .reply,
      message.transactionID == transactionID, message.macAddress == mac
    else { return nil }
    return message
  }

  // MARK: Lease

  /// Asks for the offered address, once for each time-out, and calls back with success or not.
  func request(
    _ offer: DHCPMessage, timeouts: ArraySlice<Duration>, takes: @escaping (DHCPMessage) -> Bool,
    _ done: @escaping (Bool) -> Void
  ) {
    guard let timeout = timeouts.first, let server = offer.serverIdentifier else { return done(false) }
    var message = requestTemplate()
    message.messageType = .request
    message.options[.requestedAddress] = offer.yourAddress.bytes
    message.serverIdentifier = server
    listen(on: 68) { [weak self] datagram in
      guard let self, let acknowledgement = reply(datagram), acknowledgement.messageType == .acknowledgement,
        takes(acknowledgement)
      else { return }
      cancelTimers()
      close(68)
      adopt(acknowledgement)
      done(true)
    }
    send(message)
    wait(timeout) { $0.request(offer, timeouts: timeouts.dropFirst(), takes: takes, done) }
  }

  /// Goes on with the lease of an earlier stage.
  func adopt(_ lease: DHCPMessage) {
    self.lease = lease
    adopt(address: lease.yourAddress)
  }

  func adopt(address: IPv4Address) {
    self.address = address
    lan.claim(address, for: self, on: link)
  }

  // MARK: Files

  func download(
    _ name: String, from server: IPv4Address, _ manner: TFTPDownload.Manner,
    _ done: @escaping (TFTPDownload.Result) -> Void
  ) {
    TFTPDownload(self, name: name, server: server, manner: manner, done: done).start()
  }

  func fetch(_ uri: String, _ done: @escaping (Bool) -> Void) { lan.get(uri, from: address, done) }
}

extension DHCPMessage {
  /// Option 67 wins over the header's field.
  var bootFileName: String {
    String(decoding: (options[.bootFile] ?? bootFile).prefix { $0 != 0 }, as: UTF8.self)
  }

  /// `siaddr`, or else option 54.
  var bootServer: IPv4Address { nextServerAddress != .any ? nextServerAddress : serverIdentifier ?? .any }

  var pxe: PXEVendorOptions? { options[.vendorSpecific].flatMap { try? PXEVendorOptions($0) } }

  /// Of no use without an address.
  var isProxy: Bool { yourAddress == .any }
}
