public import NetworkAddress
public import TFTP

/// Where a TFTP server listens, and how much it gives to whom.
public struct TFTPServerConfiguration: Sendable {
  /// The served addresses, a socket for each. An answer leaves from the address that was asked, which PXELINUX
  /// insists on; ``NetworkAddress/IPv4Address/any`` listens on all of them and keeps to that rule too.
  public var addresses: [IPv4Address]
  /// 0 takes any free port, for tests.
  public var port: Int
  /// Bytes of payload in a block, 8 to 65464. 1468 fills a frame of 1500 bytes; tunnels need less (WireGuard 1388,
  /// VXLAN 1400).
  public var maximumBlockSize: Int
  /// Blocks before an acknowledgement, 1 to 64; 1 for firmware that can not do more.
  public var maximumWindowSize: Int
  /// Transfers at one time, of all clients and of one.
  public var transferLimit: Int
  public var transferLimitPerPeer: Int
  /// How long after its request a running transfer takes the same request for a copy of it that was late, or doubled,
  /// on its way. After that it is a client that begins again.
  public var repeatWindow: Duration
  /// Clients that get an answer. All others get none, so that a forged source address is no way to reach them.
  public var isServed: @Sendable (IPv4Address) -> Bool

  public init(
    addresses: [IPv4Address], port: Int = 69, maximumBlockSize: Int = 1468, maximumWindowSize: Int = 16,
    transferLimit: Int = 512, transferLimitPerPeer: Int = 32, repeatWindow: Duration = .seconds(5),
    isServed: @escaping @Sendable (IPv4Address) -> Bool = { _ in true }
  ) {
    self.addresses = addresses
    self.port = port
    self.maximumBlockSize = maximumBlockSize
    self.maximumWindowSize = maximumWindowSize
    self.transferLimit = transferLimit
    self.transferLimitPerPeer = transferLimitPerPeer
    self.repeatWindow = repeatWindow
    self.isServed = isServed
  }
}

/// The bytes of a file. All transfers of it share them: an array that is given here is not copied.
public struct TFTPContent: Sendable {
  let bytes: [UInt8]

  public init(bytes: some Sequence<UInt8>) { self.bytes = Array(bytes) }

  /// In bytes.
  public var count: Int { bytes.count }
}

/// Finds the content of a name for a client; nil where there is none, which the client hears at once. It is called
/// for every request on an event loop: it must answer from memory.
public typealias TFTPLookup = @Sendable (_ name: TFTPRequestName, _ peer: IPv4Address) -> TFTPContent?
