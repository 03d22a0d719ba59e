import NetworkAddress

/// Addresses from one to another, both included.
public struct IPv4Range: Hashable, Sendable, CustomStringConvertible {
  public let first: IPv4Address
  public let last: IPv4Address

  public init?(first: IPv4Address, last: IPv4Address) {
    guard first.value <= last.value else { return nil }
    (self.first, self.last) = (first, last)
  }

  /// - Parameter text: `192.0.2.200-192.0.2.220`, `192.0.2.192/27` or one address.
  /// - Throws: ``FleetError/invalidValue(field:reason:)``
  public init(_ text: String, field: String) throws(FleetError) {
    let parts = text.split(separator: "-", omittingEmptySubsequences: false).map(String.init)
    if parts.count == 1, let network = IPv4Network(text) {
      (first, last) = (network.range.first, network.range.last)
      return
    }
    let ends = parts.compactMap { try? IPv4Address($0) }
    guard (1...2).contains(parts.count), ends.count == parts.count, let low = ends.first, let high = ends.last,
      low.value <= high.value
    else {
      throw .invalidValue(
        field: field,
        reason: "'\(displayable(text, limit: 60))' is no range of addresses; write 192.0.2.200-192.0.2.220")
    }
    (first, last) = (low, high)
  }

  public var count: Int { Int(last.value - first.value) + 1 }

  public func contains(_ address: IPv4Address) -> Bool { (first.value...last.value).contains(address.value) }

  public func overlaps(_ other: IPv4Range) -> Bool {
    first.value <= other.last.value && other.first.value <= last.value
  }

  public var description: String { first == last ? "\(first)" : "\(first)-\(last)" }
}

/// An address with the length of its network: `192.0.2.5/24`.
public struct IPv4Network: Hashable, Sendable, CustomStringConvertible {
  public let address: IPv4Address
  /// 1 to 32.
  public let length: Int

  public init?(_ text: String) {
    let parts = text.split(separator: "/", omittingEmptySubsequences: false)
    guard parts.count == 2, let address = try? IPv4Address(String(parts[0])), let length = Int(parts[1]),
      (1...32).contains(length), parts[1].allSatisfy(\.isNumber)
    else { return nil }
    (self.address, self.length) = (address, length)
  }

  private var mask: UInt32 { ~UInt32(0) << UInt32(32 - length) }

  /// All of its addresses, that of the network itself and that of everybody too.
  public var range: IPv4Range {
    let (low, high) = (address.value & mask, address.value | ~mask)
    return IPv4Range(first: IPv4Address(low), last: IPv4Address(high)) ?? IPv4Range(whole: address)
  }

  /// The network itself: `192.0.2.0/24`.
  public var description: String { "\(range.first)/\(length)" }

  public func contains(_ other: IPv4Address) -> Bool { other.value & mask == address.value & mask }

  /// Whether a machine may have it.
  public func isForMachines(_ other: IPv4Address) -> Bool {
    contains(other) && (length >= 31 || (other != range.first && other != range.last))
  }
}

extension IPv4Range {
  fileprivate init(whole address: IPv4Address) { (first, last) = (address, address) }
}
