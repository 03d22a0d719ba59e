import NIOCore
import NetworkAddress

/// A network interface of this host with its IPv4 addresses.
public struct NetworkInterface: Hashable, Sendable {
  public struct Address: Hashable, Sendable {
    public let address: IPv4Address
    /// 0 to 32.
    public let prefixLength: Int

    public init(_ address: IPv4Address, prefixLength: Int) {
      self.address = address
      self.prefixLength = min(max(prefixLength, 0), 32)
    }

    /// Whether another address is on the same link.
    public func contains(_ other: IPv4Address) -> Bool {
      let mask: UInt32 = prefixLength == 0 ? 0 : .max << UInt32(32 - prefixLength)
      return address.value & mask == other.value & mask
    }
  }

  public let name: String
  public let addresses: [Address]

  public init(name: String, addresses: [Address]) {
    self.name = name
    self.addresses = addresses
  }

  /// All interfaces, in the kernel's order; also those without an IPv4 address.
  public static func all() throws -> [NetworkInterface] {
    var names: [String] = []
    var addresses: [String: [Address]] = [:]
    for device in try System.enumerateDevices() {
      if !names.contains(device.name) { names.append(device.name) }
      guard let address = device.address.flatMap({ IPv4Address($0) }) else { continue }
      let mask = device.netmask.flatMap { IPv4Address($0) }?.value ?? .max
      addresses[device.name, default: []].append(Address(address, prefixLength: mask.nonzeroBitCount))
    }
    return names.map { NetworkInterface(name: $0, addresses: addresses[$0] ?? []) }
  }
}

extension IPv4Address {
  /// nil for other families.
  init?(_ address: SocketAddress) {
    guard case .v4(let address) = address else { return nil }
    // In sockaddr_in the address follows the family and the port, two bytes each.
    self.init(withUnsafeBytes(of: address.address) { $0[4..<8].reduce(0) { $0 << 8 | UInt32($1) } })
  }

  func socketAddress(port: Int) throws -> SocketAddress {
    try SocketAddress(packedIPAddress: ByteBuffer(bytes: bytes), port: port)
  }
}
