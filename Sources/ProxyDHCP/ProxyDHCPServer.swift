import BootDecision
import Logging
import NIOCore
import NIOPosix
import NetworkAddress
import ServiceLifecycle
import Synchronization

/// Answers network boots beside somebody else's DHCP server: DISCOVER at port 67 and boot server requests at 4011, each
/// on the interfaces it was given and out of the one that the request came in on.
public final class ProxyDHCPServer: Service, Sendable {
  private struct State {
    var policy: BootPolicy
    var interfaces: [NetworkInterface] = []
    var responder: BootResponder?
    var sockets: [Socket] = []
  }

  private struct Socket: Sendable {
    let interface: String
    /// nil for the socket that only listens to other servers.
    let port: BootPort?
    let channel: any Channel
  }

  private let configuration: ProxyDHCPConfiguration
  private let directory: any MachineDirectory
  private let decisions: AsyncStream<BootDecisionRecord>.Continuation?
  private let clock: ProxyDHCPClock
  private let logger: Logger
  /// One loop for all sockets: one thread answers more than a network can ask, and in the order of arrival.
  private let eventLoop: any EventLoop
  private let state: Mutex<State>

  public init(
    configuration: ProxyDHCPConfiguration, policy: BootPolicy, directory: any MachineDirectory,
    decisions: AsyncStream<BootDecisionRecord>.Continuation? = nil, logger: Logger,
    eventLoopGroup: any EventLoopGroup = MultiThreadedEventLoopGroup.singleton, clock: ProxyDHCPClock = .system
  ) {
    self.configuration = configuration
    self.directory = directory
    self.decisions = decisions
    self.clock = clock
    self.logger = logger
    eventLoop = eventLoopGroup.next()
    state = Mutex(State(policy: policy))
  }

  /// Serves until the service group shuts down.
  public func run() async throws {
    try await start()
    let channels = state.withLock { $0.sockets }
    let closed = AsyncStream.makeStream(of: String.self)
    for socket in channels {
      socket.channel.closeFuture.whenComplete { _ in closed.continuation.yield(socket.interface) }
    }
    let lost = await cancelWhenGracefulShutdown { () -> String? in
      for await interface in closed.stream { return interface }
      return nil
    }
    await stop()
    if let lost { throw ProxyDHCPError.socketLost(interface: lost) }
  }

  /// Opens the sockets. When it returns, requests are answered.
  public func start() async throws(ProxyDHCPError) {
    let interfaces = try InterfaceSelection.select(configuration.interfaces)
    let policy = state.withLock { $0.policy }
    let responder = BootResponder(
      interfaces: interfaces, policy: policy, directory: directory, decisions: decisions,
      limits: configuration.limits, rememberedClients: configuration.rememberedClients, clock: clock, logger: logger)
    var sockets: [Socket] = []
    do throws(ProxyDHCPError) {
      for interface in interfaces {
        let address = policy.addresses[interface.name] ?? interface.addresses[0].address
        for port in [BootPort.dhcp, .bootServer] {
          let channel = try await bind(port, interface.name, address, responder)
          sockets.append(Socket(interface: interface.name, port: port, channel: channel))
        }
        if let observer = await observe(interface.name, responder) {
          sockets.append(Socket(interface: interface.name, port: nil, channel: observer))
        }
        logger.info(
          "proxyDHCP listens",
          metadata: [
            "interface": "\(interface.name)", "address": "\(address)",
            "ports": "\(configuration.dhcpPort) \(configuration.bootServerPort)",
          ])
      }
    } catch {
      for socket in sockets { try? await socket.channel.close() }
      throw error
    }
    state.withLock { state in
      state.interfaces = interfaces
      state.responder = responder
      state.sockets = sockets
    }
  }

  /// Closes the sockets.
  public func stop() async {
    let sockets = state.withLock { state in
      defer { state.sockets = [] }
      return state.sockets
    }
    // A socket that is closed already is what was wanted.
    for socket in sockets { try? await socket.channel.close() }
  }

  /// Takes over new settings, from the next request on. Interfaces stay as they are.
  public func update(policy: BootPolicy) {
    let (interfaces, responder) = state.withLock { state in
      state.policy = policy
      return (state.interfaces, state.responder)
    }
    responder?.update(interfaces: interfaces, policy: policy)
  }

  public var counters: ProxyDHCPCounters { state.withLock { $0.responder }?.counters ?? ProxyDHCPCounters() }

  /// See ``BootResponder/foreignServers``.
  public var foreignServers: [ForeignServer] { state.withLock { $0.responder }?.foreignServers ?? [] }

  /// See ``BootResponder/note(_:of:)``.
  public func note(_ contact: BootContact, of mac: MACAddress) {
    state.withLock { $0.responder }?.note(contact, of: mac)
  }

  /// See ``BootResponder/note(_:from:)``.
  @discardableResult
  public func note(_ contact: BootContact, from address: IPv4Address) -> MACAddress? {
    state.withLock { $0.responder }?.note(contact, from: address)
  }

  /// The port number that a socket really has; nil where there is none.
  public func boundPort(_ port: BootPort, on interface: String) -> Int? {
    state.withLock { $0.sockets.first { $0.interface == interface && $0.port == port } }?.channel.localAddress?.port
  }

  /// A socket that hears the offers of others, or nil where it can not be had.
  private func observe(_ interface: String, _ responder: BootResponder) async -> (any Channel)? {
    let configuration = configuration
    guard configuration.observesOffers, configuration.bindsToDevice else { return nil }
    do {
      // On the broadcast address only, so that no unicast reply for a DHCP client of this host ends here.
      let local = try configuration.broadcastAddress.socketAddress(port: configuration.clientPort)
      return try await DatagramBootstrap(group: eventLoop)
        .channelOption(.socketOption(.so_reuseaddr), value: 1)
        .channelOption(.recvAllocator, value: FixedSizeRecvByteBufferAllocator(capacity: 2048))
        .channelInitializer { channel in
          channel.eventLoop.makeCompletedFuture {
            try channel.pipeline.syncOperations.addHandler(
              ObserverHandler(responder: responder, interface: interface))
          }.flatMap { SocketOptions.bind(channel, toDevice: interface) }
        }
        .bind(to: local).get()
    } catch {
      logger.info(
        "other boot servers on this network will not be noticed: UDP port \(configuration.clientPort) is not free",
        metadata: ["interface": "\(interface)", "error": "\(error)"])
      return nil
    }
  }

  private func bind(
    _ port: BootPort, _ interface: String, _ address: IPv4Address, _ responder: BootResponder
  ) async throws(ProxyDHCPError) -> any Channel {
    let number = port == .dhcp ? configuration.dhcpPort : configuration.bootServerPort
    // Broadcasts reach only a socket without an address. Port 4011 is asked directly, and its answers have to come
    // from the address that was asked.
    let isWildcard = port == .dhcp && configuration.bindsToDevice
    do {
      let broadcast = try configuration.broadcastAddress.socketAddress(port: configuration.clientPort)
      let local = try (isWildcard ? .any : address).socketAddress(port: number)
      let configuration = configuration
      return try await DatagramBootstrap(group: eventLoop)
        // Without SO_REUSEADDR: a second boot server on this host has to be an error, not a race.
        .channelOption(.socketOption(.so_broadcast), value: 1)
        .channelOption(.recvAllocator, value: FixedSizeRecvByteBufferAllocator(capacity: 16 * 2048))
        .channelOption(.datagramVectorReadMessageCount, value: 16)
        .channelInitializer { channel in
          channel.eventLoop.makeCompletedFuture {
            let handler = DatagramHandler(
              responder: responder, port: port, interface: interface, broadcast: broadcast,
              configuration: configuration)
            try channel.pipeline.syncOperations.addHandler(handler)
          }.flatMap {
            configuration.bindsToDevice
              ? SocketOptions.bind(channel, toDevice: interface) : channel.eventLoop.makeSucceededVoidFuture()
          }.flatMap { SocketOptions.enlargeReceiveBuffer(channel) }
        }
        .bind(to: local).get()
    } catch {
      throw BindFailure.explain(error, port: number, interface: interface)
    }
  }
}
