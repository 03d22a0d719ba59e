import BootDecision
import DHCP
import Logging
import NIOCore
import NIOPosix
import NetworkAddress
import ProxyDHCP
import Testing

struct StaticDirectory: MachineDirectory {
  var machines: [MACAddress: MachineView] = [:]

  func view(of mac: MACAddress, uuid: SystemUUID?) -> MachineView? { machines[mac] }
}

/// A UDP socket on 127.0.0.1.
struct Client: Sendable {
  let channel: NIOAsyncChannel<AddressedEnvelope<ByteBuffer>, AddressedEnvelope<ByteBuffer>>

  init() async throws {
    channel = try await DatagramBootstrap(group: MultiThreadedEventLoopGroup.singleton)
      .bind(host: "127.0.0.1", port: 0) { channel in
        channel.eventLoop.makeCompletedFuture { try NIOAsyncChannel(wrappingChannelSynchronously: channel) }
      }
  }

  var port: Int { channel.channel.localAddress?.port ?? 0 }

  /// Sends datagrams and gives the first answer with its sender's port.
  func ask(_ datagrams: [[UInt8]], port: Int) async throws -> (reply: DHCPMessage, port: Int?)? {
    try await channel.executeThenClose { inbound, outbound in
      let server = try SocketAddress(ipAddress: "127.0.0.1", port: port)
      for datagram in datagrams {
        try await outbound.write(AddressedEnvelope(remoteAddress: server, data: ByteBuffer(bytes: datagram)))
      }
      for try await answer in inbound {
        return (try DHCPMessage(Array(answer.data.readableBytesView)), answer.remoteAddress.port)
      }
      return nil
    }
  }
}

@Suite("The proxyDHCP server on the loopback interface", .timeLimit(.minutes(10)))
struct LoopbackTests {
  static let address = IPv4Address(127, 0, 0, 1)

  static func server(
    clientPort: Int, quirks: MachineQuirks = MachineQuirks(),
    decisions: AsyncStream<BootDecisionRecord>.Continuation? = nil
  ) -> ProxyDHCPServer {
    var configuration = ProxyDHCPConfiguration(interfaces: ["lo"], dhcpPort: 0, bootServerPort: 0)
    configuration.clientPort = clientPort
    configuration.broadcastAddress = address
    // The client of the test holds that port.
    configuration.observesOffers = false
    return ProxyDHCPServer(
      configuration: configuration, policy: BootPolicy(addresses: ["lo": address]),
      directory: StaticDirectory(machines: [
        Requests.mac(): MachineView(name: "node1", intent: .install, quirks: quirks)
      ]),
      decisions: decisions, logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
  }

  @Test("a UEFI DISCOVER gets an offer with the loader, from port 67's socket, at the client's port")
  func firmwareOffer() async throws {
    let client = try await Client()
    let records = AsyncStream.makeStream(of: BootDecisionRecord.self, bufferingPolicy: .bufferingNewest(16))
    let server = Self.server(clientPort: client.port, decisions: records.continuation)
    try await server.start()
    let port = try #require(server.boundPort(.dhcp, on: "lo"))
    let answer = try #require(await client.ask([Requests.edk2().serialised()], port: port))
    #expect(answer.port == port)
    #expect(answer.reply.messageType == .offer)
    #expect(answer.reply.bootFile == Array("snponly.efi".utf8))
    #expect(answer.reply.nextServerAddress == Self.address)
    #expect(answer.reply.serverIdentifier == Self.address)
    var iterator = records.stream.makeAsyncIterator()
    let record = await iterator.next()
    #expect(record?.decision.machine == "node1")
    #expect(record?.client.mac == Requests.mac())
    #expect(server.counters.offers == 1)
    await server.stop()
  }

  @Test("iPXE gets the URL of its script")
  func iPXEOffer() async throws {
    let client = try await Client()
    let server = Self.server(clientPort: client.port)
    try await server.start()
    let port = try #require(server.boundPort(.dhcp, on: "lo"))
    let answer = try #require(await client.ask([Requests.iPXE().serialised()], port: port))
    #expect(answer.reply.bootFile == Array("http://127.0.0.1:8080/boot.ipxe?mac=52-54-00-12-34-56".utf8))
    await server.stop()
  }

  @Test("a request at port 4011 is answered from there, to the port it came from")
  func bootServer() async throws {
    let client = try await Client()
    // Another client port: a reply that went to the broadcast port would never arrive here.
    let server = Self.server(clientPort: 9)
    try await server.start()
    let port = try #require(server.boundPort(.bootServer, on: "lo"))
    let request = Requests.edk2BootServer(clientAddress: Self.address)
    let answer = try #require(await client.ask([request.serialised()], port: port))
    #expect(answer.port == port)
    #expect(answer.reply.messageType == .acknowledgement)
    #expect(answer.reply.bootFile == Array("snponly.efi".utf8))
    #expect(answer.reply.options[.vendorSpecific] == nil)
    await server.stop()
  }

  @Test("garbage before a good request is counted and costs no answer")
  func garbage() async throws {
    let client = try await Client()
    let server = Self.server(clientPort: client.port)
    try await server.start()
    let port = try #require(server.boundPort(.dhcp, on: "lo"))
    let good = try Requests.edk2().serialised()
    let datagrams: [[UInt8]] = [[], [1], Array(good.dropLast(100)), [UInt8](repeating: 0xFF, count: 9000), good]
    let answer = try #require(await client.ask(datagrams, port: port))
    #expect(answer.reply.messageType == .offer)
    #expect(server.counters.malformed >= 3)
    #expect(server.counters.offers == 1)
    await server.stop()
  }

  @Test("a delayed reply arrives all the same")
  func delay() async throws {
    let client = try await Client()
    let server = Self.server(clientPort: client.port, quirks: MachineQuirks(replyDelay: 20))
    try await server.start()
    let port = try #require(server.boundPort(.dhcp, on: "lo"))
    let answer = try #require(await client.ask([Requests.edk2().serialised()], port: port))
    #expect(answer.reply.bootFile == Array("snponly.efi".utf8))
    await server.stop()
  }
}
