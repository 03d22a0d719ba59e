import NetworkAddress

/// Where the proxyDHCP server listens, and its limits. The ports and addresses are the protocol's; only tests change
/// them.
public struct ProxyDHCPConfiguration: Sendable, Hashable {
  /// Names of the interfaces to serve, each once.
  public var interfaces: [String]
  /// The server's port for DISCOVER; 0 takes any.
  public var dhcpPort: Int
  /// The boot server's port; 0 takes any.
  public var bootServerPort: Int
  /// Where offers are broadcast to.
  public var clientPort = 68
  /// Where a relay takes replies.
  public var relayPort = 67
  public var broadcastAddress = IPv4Address.broadcast
  /// Ties each socket to its interface (SO_BINDTODEVICE). Without, the sockets listen on the interface's address only
  /// and hear no broadcasts.
  public var bindsToDevice = true
  /// Listens to what other servers broadcast to their clients, to tell the operator what disturbs network boots. Where
  /// a DHCP client of this host holds the port, the server goes without.
  public var observesOffers = true
  public var limits = RateLimits()
  /// Replies that wait for their delay at any moment, per socket.
  public var delayedReplies = 256
  /// Clients whose last minutes are remembered.
  public var rememberedClients = 16_384

  public init(interfaces: [String], dhcpPort: Int = 67, bootServerPort: Int = 4011) {
    self.interfaces = interfaces
    self.dhcpPort = dhcpPort
    self.bootServerPort = bootServerPort
  }
}

/// Token buckets against floods: packets per second, and how many may come at once.
public struct RateLimits: Sendable, Hashable {
  public var perClient = 10
  public var perClientBurst = 20
  public var total = 50_000
  public var totalBurst = 50_000

  public init() {}
}
