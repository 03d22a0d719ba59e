import NetworkAddress
import SeededNumbers

/// Two links with a router between them, and all who are on them: runs events in the order of their time, on a clock
/// of its own. The same seed always gives the same run.
final class SimulatedLAN {
  private struct Flow: Hashable {
    let sender: ObjectIdentifier
    let receiver: ObjectIdentifier
  }

  let clock = VirtualClock()
  var conditions: NetworkConditions
  private(set) var generator: SeededGenerator
  private(set) var datagrams = 0
  private var events = EventQueue()
  private var addresses: [IPv4Address: (host: any SimulatedHost, link: Link)] = [:]
  /// Those that hear broadcasts to servers, and those of servers.
  private var servers: [Link: [any SimulatedHost]] = [:]
  private var clients: [Link: [MACAddress: any SimulatedHost]] = [:]
  /// The web servers; TCP is not simulated.
  var web: [IPv4Address: (_ uri: String, _ client: IPv4Address) -> Bool] = [:]
  private var lastArrival: [Flow: Duration] = [:]

  init(_ conditions: NetworkConditions = .clean, seed: UInt64 = 1) {
    self.conditions = conditions
    generator = SeededGenerator(seed: seed)
  }

  var now: Duration { clock.now }

  func randomNumber() -> UInt64 { generator.next() }

  // MARK: Who is there

  func attachServer(_ host: any SimulatedHost, address: IPv4Address, to link: Link) {
    servers[link, default: []].append(host)
    addresses[address] = (host, link)
  }

  /// Takes the place of an earlier client with the same MAC address: the next stage of a machine.
  func attachClient(_ host: any SimulatedHost, _ mac: MACAddress, to link: Link) {
    clients[link, default: [:]][mac] = host
  }

  func claim(_ address: IPv4Address, for host: any SimulatedHost, on link: Link) { addresses[address] = (host, link) }

  // MARK: Time

  func after(_ delay: Duration, _ action: @escaping () -> Void) { events.add(at: now + delay, action) }

  /// Runs until a condition holds or a span of virtual time is over.
  /// - Returns: whether the condition held.
  @discardableResult
  func run(for span: Duration, until isDone: () -> Bool = { false }) -> Bool {
    let end = now + span
    while !isDone() {
      guard let moment = events.nextMoment, moment <= end, let event = events.popFirst() else {
        clock.advance(to: end)
        return isDone()
      }
      clock.advance(to: event.moment)
      event.action()
    }
    return true
  }

  /// A GET of `http://a.b.c.d:port/…`; tells whether the file is there. TCP repairs whatever the network does.
  func get(_ uri: String, from client: IPv4Address, _ done: @escaping (Bool) -> Void) {
    after(conditions.latency * 4 + conditions.delay * 2) { [self] in
      let host = uri.dropFirst("http://".count).prefix { $0 != ":" && $0 != "/" }
      done((try? IPv4Address(String(host))).flatMap { web[$0] }?(uri, client) ?? false)
    }
  }

  // MARK: Datagrams

  func send(_ datagram: Datagram, from sender: any SimulatedHost, on link: Link) {
    datagrams += 1
    guard datagram.isBroadcast else {
      guard let target = addresses[datagram.destination.address] else { return }
      return carry(datagram, from: sender, to: target.host, on: target.link)
    }
    for server in servers[link, default: []] where server !== sender {
      carry(datagram, from: sender, to: server, on: link)
    }
    // All clients hear a server's broadcast; all but the one whose hardware address it carries drop it.
    guard datagram.destination.port == 68, datagram.payload.count > 34,
      let mac = MACAddress(bytes: datagram.payload[28..<34]), let client = clients[link]?[mac], client !== sender
    else { return }
    carry(datagram, from: sender, to: client, on: link)
  }

  private func carry(
    _ datagram: Datagram, from sender: any SimulatedHost, to host: any SimulatedHost, on link: Link
  ) {
    for _ in 0..<(generator.chance(conditions.duplication) ? 2 : 1) where !generator.chance(conditions.loss) {
      var arrival = now + conditions.latency + generator.duration(upTo: conditions.delay)
      let flow = Flow(sender: ObjectIdentifier(sender), receiver: ObjectIdentifier(host))
      arrival = max(arrival, lastArrival[flow] ?? .zero)
      lastArrival[flow] = arrival
      if generator.chance(conditions.reordering) { arrival += generator.duration(upTo: conditions.hold) }
      events.add(at: arrival) { host.receive(datagram, on: link) }
    }
  }
}
