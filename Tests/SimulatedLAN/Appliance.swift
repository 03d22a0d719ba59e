import BootDecision
import DHCP
import Logging
import NetworkAddress
import ProxyDHCP

/// Bootstead's own server code on the simulated network: ``BootResponder`` for ports 67, 68 and 4011, and
/// ``SimulatedTFTP`` around the real transfers. HTTP runs over TCP, which the simulation leaves out: a request is
/// answered at once, and told to the responder as the HTTP server does.
final class Appliance: TFTPOwner {
  static let address = IPv4Address(192, 168, 1, 10)

  let lan: SimulatedLAN
  private(set) var responder: BootResponder
  let machines = MachineList()
  let tftp: SimulatedTFTP
  private let address: IPv4Address
  private let limits: RateLimits
  /// Every URI that was fetched, in order.
  private(set) var fetched: [String] = []
  /// Names of the loaders that were fetched whole, by TFTP or HTTP, in order.
  private(set) var loaded: [String] = []

  init(
    _ lan: SimulatedLAN, policy: BootPolicy = BootPolicy(addresses: [:]), files: [String: [UInt8]] = Loaders.all,
    limits: RateLimits = RateLimits(), address: IPv4Address = Appliance.address
  ) {
    self.lan = lan
    self.address = address
    self.limits = limits
    responder = Self.responder(lan, address, policy, machines, limits)
    tftp = SimulatedTFTP(lan, address: address, files: files)
    tftp.owner = self
    lan.attachServer(self, address: address, to: .lan)
    lan.web[address] = { [unowned self] in get($0, from: $1) }
  }

  private static func interface(_ address: IPv4Address) -> NetworkInterface {
    NetworkInterface(name: Link.lan.rawValue, addresses: [.init(address, prefixLength: 16)])
  }

  private static func responder(
    _ lan: SimulatedLAN, _ address: IPv4Address, _ policy: BootPolicy, _ machines: MachineList, _ limits: RateLimits
  ) -> BootResponder {
    BootResponder(
      interfaces: [interface(address)], policy: policy, directory: machines, limits: limits,
      clock: lan.clock.proxyDHCP, logger: Logger(label: "appliance") { _ in SwiftLogNoOpLogHandler() })
  }

  /// Another policy, as `serve` takes it over while it runs.
  func update(_ policy: BootPolicy) { responder.update(interfaces: [Self.interface(address)], policy: policy) }

  /// What the responder remembered is lost.
  func restart(_ policy: BootPolicy) { responder = Self.responder(lan, address, policy, machines, limits) }

  func register(_ mac: MACAddress, _ intent: BootIntent = .install, quirks: MachineQuirks = MachineQuirks()) {
    machines[mac] = MachineView(name: "node-\(mac.hyphenated)", intent: intent, quirks: quirks)
  }

  func receive(_ datagram: Datagram, on link: Link) {
    switch datagram.destination.port {
    case 67: answer(datagram, port: .dhcp, on: link)
    case 4011: answer(datagram, port: .bootServer, on: link)
    case 68: responder.observe(datagram.payload, from: datagram.source.address, interface: link.rawValue)
    default: tftp.receive(datagram)
    }
  }

  private func answer(_ request: Datagram, port: BootPort, on link: Link) {
    let reply = responder.respond(
      to: request.payload, port: port, interface: link.rawValue, source: request.source.address)
    guard let reply else { return }
    let destination: Endpoint =
      switch reply.destination {
      case .broadcast: Endpoint(.broadcast, 68)
      case .relay(let relay): Endpoint(relay, 67)
      case .sender: request.source
      }
    let datagram = Datagram(
      source: Endpoint(address, port.rawValue), destination: destination, payload: reply.bytes)
    lan.after(.milliseconds(reply.delay)) { [lan] in lan.send(datagram, from: self, on: link) }
  }

  // MARK: What the other servers of the appliance tell the responder

  func transferEnded(_ name: String, to peer: IPv4Address, isWhole: Bool) {
    responder.note(isWhole ? .loader : .fetch, from: peer)
    if isWhole { loaded.append(name) }
  }

  /// True where the appliance has what the URI names.
  private func get(_ uri: String, from client: IPv4Address) -> Bool {
    let base = "http://\(address):8080/"
    guard uri.hasPrefix(base) else { return false }
    let path = uri.dropFirst(base.count)
    fetched.append(uri)
    if path.hasPrefix("boot.ipxe?mac=") {
      let text = path.dropFirst("boot.ipxe?mac=".count).prefix { $0 != "&" }
      guard let mac = try? MACAddress(String(text)) else { return false }
      responder.note(.fetch, of: mac)
      return true
    }
    guard path.hasPrefix("boot/loader/"), let name = path.split(separator: "/").last.map(String.init),
      tftp.files[name] != nil
    else { return false }
    responder.note(.loader, from: client)
    loaded.append(name)
    return true
  }
}
