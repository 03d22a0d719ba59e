import BootDecision
import Logging
import NIOCore
import NIOPosix
import NetworkAddress
import ProxyDHCP
import ServiceLifecycle
import Testing

@Suite("Starting the proxyDHCP server", .timeLimit(.minutes(10)))
struct StartTests {
  static func server(_ interfaces: [String], dhcpPort: Int = 0) -> ProxyDHCPServer {
    ProxyDHCPServer(
      configuration: ProxyDHCPConfiguration(interfaces: interfaces, dhcpPort: dhcpPort, bootServerPort: 0),
      policy: BootPolicy(addresses: [:]), directory: StaticDirectory(),
      logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
  }

  @Test("an interface that is not there is named, with those that are")
  func noSuchInterface() async throws {
    let error = await #expect(throws: ProxyDHCPError.self) { try await Self.server(["nosuch0"]).start() }
    guard case .noSuchInterface("nosuch0", let available)? = error else {
      Issue.record("\(String(describing: error))")
      return
    }
    #expect(available.contains("lo"))
    #expect(error?.description.contains("lo") == true)
  }

  @Test("no interface at all is refused")
  func noInterface() async {
    let error = await #expect(throws: ProxyDHCPError.self) { try await Self.server([]).start() }
    guard case .noInterfaces? = error else {
      Issue.record("\(String(describing: error))")
      return
    }
  }

  @Test("a port that another program holds is refused, with the way out; nothing stays open")
  func portInUse() async throws {
    let other = try await DatagramBootstrap(group: MultiThreadedEventLoopGroup.singleton)
      .channelOption(.socketOption(.so_reuseaddr), value: 1)
      .bind(host: "0.0.0.0", port: 0).get()
    let port = try #require(other.localAddress?.port)
    let error = await #expect(throws: ProxyDHCPError.self) { try await Self.server(["lo"], dhcpPort: port).start() }
    guard case .portInUse(port, "lo", _)? = error else {
      Issue.record("\(String(describing: error))")
      return
    }
    #expect(error?.description.contains("ss -lunp 'sport = :\(port)'") == true)
    try await other.close()
    let server = Self.server(["lo"], dhcpPort: port)
    try await server.start()
    await server.stop()
  }

  @Test("errors name the port and what to do")
  func errorTexts() {
    let inUse = ProxyDHCPError.portInUse(port: 67, interface: "lan", holders: ["dnsmasq (process 812)"])
    #expect(inUse.description.contains("67"))
    #expect(inUse.description.contains("dnsmasq (process 812)"))
    #expect(ProxyDHCPError.missingPrivilege(port: 67, interface: "lan").description.contains("CAP_NET_BIND_SERVICE"))
    #expect(ProxyDHCPError.interfaceWithoutAddress("lan").description.contains("ip address add"))
  }

  @Test("as a service it ends when the group shuts down")
  func service() async throws {
    let server = Self.server(["lo"])
    let group = ServiceGroup(services: [server], logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
    try await withThrowingTaskGroup(of: Void.self) { tasks in
      tasks.addTask { try await group.run() }
      while server.boundPort(.bootServer, on: "lo") == nil { try await Task.sleep(for: .milliseconds(5)) }
      await group.triggerGracefulShutdown()
      try await tasks.waitForAll()
    }
    #expect(server.boundPort(.dhcp, on: "lo") == nil)
  }

  @Test(
    "an address is on the link up to the prefix's last bit",
    arguments: [
      (24, true, false), (25, true, false), (26, false, false), (16, true, true), (0, true, true), (32, false, false),
    ])
  func links(prefixLength: Int, near: Bool, far: Bool) {
    let address = NetworkInterface.Address(IPv4Address(192, 168, 1, 10), prefixLength: prefixLength)
    #expect(address.contains(IPv4Address(192, 168, 1, 10)))
    #expect(address.contains(IPv4Address(192, 168, 1, 100)) == near)
    #expect(address.contains(IPv4Address(192, 168, 2, 10)) == far)
  }

  @Test("the loopback interface is listed with its address and prefix")
  func loopback() throws {
    let loopback = try #require(NetworkInterface.all().first { $0.name == "lo" })
    #expect(loopback.addresses.contains(.init(IPv4Address(127, 0, 0, 1), prefixLength: 8)))
  }
}
