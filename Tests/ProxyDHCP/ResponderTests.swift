import BootDecision
import DHCP
import Logging
import NetworkAddress
import ProxyDHCP
import Synchronization
import Testing

/// A clock that stands until it is moved.
final class ManualClock: Sendable {
  private let milliseconds = Mutex<UInt64>(1_000_000)

  func advance(_ count: UInt64) { milliseconds.withLock { $0 += count } }

  var clock: ProxyDHCPClock {
    ProxyDHCPClock(
      monotonic: { self.milliseconds.withLock { $0 } },
      wall: { Int64(self.milliseconds.withLock { $0 }) })
  }
}

@Suite("The responder")
struct ResponderTests {
  static let address = IPv4Address(192, 168, 1, 10)
  static let lan = NetworkInterface(name: "lan", addresses: [.init(address, prefixLength: 24)])
  let clock = ManualClock()

  func responder(
    _ machines: [MACAddress: MachineView] = [Requests.mac(): MachineView(name: "node1", intent: .install)],
    policy: BootPolicy = BootPolicy(addresses: [:]), limits: RateLimits = RateLimits(),
    decisions: AsyncStream<BootDecisionRecord>.Continuation? = nil
  ) -> BootResponder {
    BootResponder(
      interfaces: [Self.lan], policy: policy, directory: StaticDirectory(machines: machines), decisions: decisions,
      limits: limits, rememberedClients: 1000, clock: clock.clock,
      logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
  }

  private func discover(_ responder: BootResponder, _ message: DHCPMessage, from source: IPv4Address = .any) throws
    -> BootReply?
  {
    responder.respond(to: try message.serialised(), port: .dhcp, interface: "lan", source: source)
  }

  private func style(_ reply: BootReply?) throws -> DiscoveryStyle {
    let message = try DHCPMessage(#require(reply).bytes)
    guard let value = message.options[.vendorSpecific] else { return .binl }
    return try PXEVendorOptions(value).menu.isEmpty ? .direct : .menu
  }

  private enum DiscoveryStyle { case binl, direct, menu }

  @Test("an interface's first address is used where the policy names none, and the policy's where it does")
  func addresses() throws {
    let reply = try #require(try discover(responder(), Requests.edk2()))
    #expect(reply.destination == .broadcast)
    #expect(reply.delay == 0)
    #expect(try DHCPMessage(reply.bytes).nextServerAddress == Self.address)
    let other = IPv4Address(192, 168, 1, 11)
    let named = try discover(responder(policy: BootPolicy(addresses: ["lan": other])), Requests.edk2())
    #expect(try DHCPMessage(#require(named).bytes).nextServerAddress == other)
  }

  @Test("through a relay the reply goes to the relay")
  func relay() throws {
    var request = Requests.edk2()
    request.relayAddress = IPv4Address(10, 9, 8, 1)
    let reply = try discover(responder(), request, from: IPv4Address(10, 9, 8, 1))
    #expect(reply?.destination == .relay(IPv4Address(10, 9, 8, 1)))
  }

  @Test(
    "a DISCOVER without a relay is answered only from this link",
    arguments: [
      (IPv4Address.any, true), (IPv4Address(192, 168, 1, 77), true), (IPv4Address(192, 168, 2, 77), false),
      (IPv4Address(8, 8, 8, 8), false), (.broadcast, false),
    ])
  func sources(source: IPv4Address, isAnswered: Bool) throws {
    let responder = responder()
    #expect((try discover(responder, Requests.edk2(), from: source) != nil) == isAnswered)
    #expect(responder.counters.unanswerable == (isAnswered ? 0 : 1))
  }

  @Test(
    "port 4011 answers its sender, on this link or in a private network, never elsewhere",
    arguments: [
      (IPv4Address(192, 168, 1, 77), true), (IPv4Address(10, 1, 2, 3), true), (IPv4Address(8, 8, 8, 8), false),
      (.any, false), (.broadcast, false), (IPv4Address(127, 0, 0, 1), false), (IPv4Address(224, 0, 0, 1), false),
    ])
  func bootServerSources(source: IPv4Address, isAnswered: Bool) throws {
    let responder = responder()
    let reply = responder.respond(
      to: try Requests.edk2BootServer(clientAddress: source).serialised(), port: .bootServer, interface: "lan",
      source: source)
    #expect(reply?.destination == (isAnswered ? .sender : nil))
  }

  @Test("one client can not ask without end; the others are still answered, and time heals")
  func clientLimit() throws {
    let responder = responder([
      Requests.mac(1): MachineView(name: "a", intent: .install),
      Requests.mac(2): MachineView(name: "b", intent: .install),
    ])
    let answers = try (0..<100).count { _ in try discover(responder, Requests.edk2(Requests.mac(1))) != nil }
    #expect(answers == 20)
    #expect(responder.counters.rateLimited == 80)
    #expect(try discover(responder, Requests.edk2(Requests.mac(2))) != nil)
    clock.advance(1000)
    let later = try (0..<100).count { _ in try discover(responder, Requests.edk2(Requests.mac(1))) != nil }
    #expect(later == 10)
  }

  @Test("all clients together have a limit")
  func totalLimit() throws {
    var limits = RateLimits()
    limits.total = 5
    limits.totalBurst = 5
    let machines = Dictionary(
      uniqueKeysWithValues: (0..<20).map { (Requests.mac($0), MachineView(name: "n", intent: .install)) })
    let responder = responder(machines, limits: limits)
    let answers = try (0..<20).count { try discover(responder, Requests.edk2(Requests.mac(UInt8($0)))) != nil }
    #expect(answers == 5)
  }

  @Test("a flood of unknown machines gets nothing and does not keep a known one from its answer")
  func flood() throws {
    let responder = responder()
    let known = try Requests.edk2().serialised()
    var flood = try Requests.edk2(Requests.mac(0)).serialised()
    for value in 0..<20_000 {
      flood[28] = 0x02
      flood[31] = UInt8(value >> 16)
      flood[32] = UInt8(value >> 8 & 255)
      flood[33] = UInt8(value & 255)
      #expect(responder.respond(to: flood, port: .dhcp, interface: "lan", source: .any) == nil)
    }
    #expect(responder.respond(to: known, port: .dhcp, interface: "lan", source: .any) != nil)
    #expect(responder.counters.silent == 20_000)
  }

  @Test("a firmware that does not take up one style is offered the next, and kept at the one that worked")
  func rotation() throws {
    let responder = responder()
    #expect(try style(discover(responder, Requests.edk2(transactionID: 1))) == .binl)
    clock.advance(4000)
    #expect(try style(discover(responder, Requests.edk2(transactionID: 2))) == .direct)
    clock.advance(2000)
    _ = try discover(responder, Requests.iPXE())
    clock.advance(3_600_000)
    #expect(try style(discover(responder, Requests.edk2(transactionID: 3))) == .direct)
  }

  @Test("the address of a machine is learned from its request to the DHCP server, for servers that see only addresses")
  func learnedAddress() throws {
    let responder = responder()
    let leased = IPv4Address(192, 168, 1, 77)
    #expect(responder.note(.loader, from: leased) == nil)
    var request = Requests.edk2()
    request.messageType = .request
    request.options[.requestedAddress] = leased.bytes
    request.serverIdentifier = IPv4Address(192, 168, 1, 1)
    #expect(try discover(responder, request) == nil)
    #expect(responder.counters.ignored == [.notADiscover: 1])
    #expect(responder.note(.loader, from: leased) == Requests.mac())
  }

  @Test("an iPXE that fetches a loader again and again gets its script in the end")
  func loop() throws {
    let responder = responder()
    var request = Requests.iPXE()
    request.options[.iPXE] = [0x15, 1, 1]
    func bootFile() throws -> String {
      let reply = try #require(try discover(responder, request))
      return String(decoding: try DHCPMessage(reply.bytes).bootFile, as: UTF8.self)
    }
    #expect(try bootFile() == "tftp://192.168.1.10/undionly.kpxe")
    responder.note(.loader, of: Requests.mac())
    #expect(try bootFile() == "tftp://192.168.1.10/undionly.kpxe")
    responder.note(.loader, of: Requests.mac())
    #expect(try bootFile() == "http://192.168.1.10:8080/boot.ipxe?mac=52-54-00-12-34-56")
    clock.advance(60_000)
    #expect(try bootFile() == "tftp://192.168.1.10/undionly.kpxe")
  }

  @Test("new settings hold from the next request on")
  func update() throws {
    let responder = responder([:])
    #expect(try discover(responder, Requests.edk2()) == nil)
    responder.update(interfaces: [Self.lan], policy: BootPolicy(enrolment: .inventory, addresses: [:]))
    #expect(try discover(responder, Requests.edk2()) != nil)
  }

  @Test("decisions that nobody reads are dropped and counted, and cost no answer")
  func fullStream() async throws {
    let records = AsyncStream.makeStream(of: BootDecisionRecord.self, bufferingPolicy: .bufferingNewest(3))
    let responder = responder(decisions: records.continuation)
    for value in 0..<10 { #expect(try discover(responder, Requests.edk2(transactionID: UInt32(value))) != nil) }
    #expect(responder.counters.droppedRecords == 7)
    records.continuation.finish()
    let kept = await records.stream.reduce(into: []) { $0.append($1.client.transactionID) }
    #expect(kept == [7, 8, 9])
  }

  @Test("decisions about strangers are not handed on")
  func strangers() async throws {
    let records = AsyncStream.makeStream(of: BootDecisionRecord.self, bufferingPolicy: .bufferingNewest(3))
    let policy = BootPolicy(enrolment: .inventory, addresses: [:])
    #expect(try discover(responder([:], policy: policy, decisions: records.continuation), Requests.edk2()) != nil)
    records.continuation.finish()
    #expect(await records.stream.reduce(into: 0) { count, _ in count += 1 } == 0)
  }

  @Test("a reply that can not fit is counted and not sent")
  func unbuildable() throws {
    var request = Requests.edk2()
    request.options[.maximumMessageSize] = nil
    request.options[.relayAgentInformation] = [UInt8](repeating: 1, count: 400)
    let responder = responder()
    #expect(try discover(responder, request) == nil)
    #expect(responder.counters.unbuildable == 1)
  }

  @Test("a delay that was set for the machine is on its reply")
  func delay() throws {
    let machine = MachineView(name: "node1", intent: .install, quirks: MachineQuirks(replyDelay: 700))
    #expect(try discover(responder([Requests.mac(): machine]), Requests.edk2())?.delay == 700)
  }

  @Test(
    "datagrams of any size, down to nothing, are counted as what they are", arguments: [0, 1, 239, 1500, 9000, 65_507])
  func sizes(length: Int) {
    let responder = responder()
    let bytes = [UInt8](repeating: 1, count: length)
    #expect(responder.respond(to: bytes, port: .dhcp, interface: "lan", source: .any) == nil)
    #expect(responder.counters.malformed == 1)
  }

  private static func offer(from server: IPv4Address, _ vendorClass: String?) throws -> [UInt8] {
    var offer = DHCPMessage(operation: .reply, transactionID: 1)
    offer.messageType = .offer
    offer.serverIdentifier = server
    offer.yourAddress = IPv4Address(192, 168, 1, 50)
    offer.options[.vendorClass] = vendorClass.map { Array($0.utf8) }
    return try offer.serialised()
  }

  @Test("other servers are remembered with all that was found in their offers, our own are not")
  func foreignServers() throws {
    let responder = responder()
    let router = IPv4Address(192, 168, 1, 1)
    responder.observe(try Self.offer(from: Self.address, "PXEClient"), from: router, interface: "lan")
    responder.observe([1, 2, 3], from: router, interface: "lan")
    #expect(responder.foreignServers.isEmpty)
    responder.observe(try Self.offer(from: router, nil), from: router, interface: "lan")
    responder.observe(try Self.offer(from: router, "PXEClient"), from: router, interface: "lan")
    responder.observe(try Self.offer(from: router, nil), from: router, interface: "lan")
    #expect(responder.foreignServers.map(\.address) == [router])
    #expect(responder.foreignServers.first?.findings == [.claimsPXEWithoutVendorOptions])
  }

  @Test("a broadcast from this host's own address is not looked at, whatever it says")
  func ownBroadcast() throws {
    let responder = responder()
    let router = IPv4Address(192, 168, 1, 1)
    responder.observe(try Self.offer(from: router, nil), from: Self.address, interface: "lan")
    #expect(responder.foreignServers.isEmpty)
    responder.observe(try Self.offer(from: router, nil), from: router, interface: "lan")
    #expect(responder.foreignServers.map(\.address) == [router])
  }

  @Test("forged offers fill no more than a bounded list")
  func foreignServerFlood() throws {
    let responder = responder()
    for value in 0..<200 {
      let server = IPv4Address(10, 0, 0, UInt8(value))
      responder.observe(try Self.offer(from: server, nil), from: server, interface: "lan")
    }
    #expect(responder.foreignServers.count == 32)
  }
}
