/// What the kernel says of a network interface (rtnetlink, `RTM_NEWLINK`).
public struct LinkRecord: Hashable, Sendable {
  public var index: Int32
  public var name: String
  /// Ethernet is 1.
  public var hardwareType: UInt16
  public var isUp: Bool
  public var isLoopback: Bool
  public var mac: [UInt8] = []
  /// The address that the hardware came with, where the kernel tells it.
  public var permanentMAC: [UInt8] = []
  public var mtu: UInt32 = 0
  /// `vlan`, `bond`, `bridge` …; nil for hardware.
  public var kind: String?
  /// The interface that this one belongs to: a bond or a bridge.
  public var master: Int32?
  /// The interface below a VLAN.
  public var parent: Int32?
  public var vlanTag: UInt16?
  public var bondMode: UInt8?
  public var bondMonitorMilliseconds: UInt32?
  public var bondHashPolicy: UInt8?
  public var bondFastRate: Bool?

  public init(index: Int32, name: String, hardwareType: UInt16, isUp: Bool, isLoopback: Bool) {
    (self.index, self.name, self.hardwareType) = (index, name, hardwareType)
    (self.isUp, self.isLoopback) = (isUp, isLoopback)
  }
}

/// An address of an interface (`RTM_NEWADDR`).
public struct AddressRecord: Hashable, Sendable {
  public var index: Int32
  /// 4 or 16 bytes.
  public var bytes: [UInt8]
  public var prefixLength: UInt8
  /// 0 is global, 253 the link, 254 the host.
  public var scope: UInt8
  /// Nobody takes it away after some time: it does not come from DHCP or a router's advertisement.
  public var isPermanent: Bool
  public var isTemporary: Bool

  public init(
    index: Int32, bytes: [UInt8], prefixLength: UInt8, scope: UInt8, isPermanent: Bool, isTemporary: Bool
  ) {
    (self.index, self.bytes, self.prefixLength, self.scope) = (index, bytes, prefixLength, scope)
    (self.isPermanent, self.isTemporary) = (isPermanent, isTemporary)
  }
}

/// A route of the main table to hosts and networks (`RTM_NEWROUTE`).
public struct RouteRecord: Hashable, Sendable {
  public var index: Int32
  /// Empty for the default route.
  public var destination: [UInt8]
  public var prefixLength: UInt8
  /// Empty where the destination is on the link itself.
  public var gateway: [UInt8]
  public var metric: UInt32
  public var isIPv6: Bool
  /// Who made it: 2 the kernel, 3 at boot, 4 by hand, 9 a router's advertisement, 16 DHCP.
  public var origin: UInt8

  public init(
    index: Int32, destination: [UInt8], prefixLength: UInt8, gateway: [UInt8], metric: UInt32, isIPv6: Bool,
    origin: UInt8
  ) {
    (self.index, self.destination, self.prefixLength) = (index, destination, prefixLength)
    (self.gateway, self.metric, self.isIPv6, self.origin) = (gateway, metric, isIPv6, origin)
  }
}

/// A dump of rtnetlink messages, as the kernel's `recv` gives it. Total: what does not fit its own length is left out.
public enum RouteMessages {
  static let newLink: UInt16 = 16
  static let newAddress: UInt16 = 20
  static let newRoute: UInt16 = 24

  public static func links(in bytes: [UInt8]) -> [LinkRecord] {
    messages(newLink, header: 16, in: bytes).map { body, attributes in
      let flags = body.number(at: 8, as: UInt32.self)
      var link = LinkRecord(
        index: Int32(bitPattern: body.number(at: 4, as: UInt32.self)), name: "",
        hardwareType: body.number(at: 2, as: UInt16.self), isUp: flags & 1 != 0, isLoopback: flags & 8 != 0)
      for (type, value) in attributes {
        switch type {
        case 1: link.mac = Array(value)
        case 3: link.name = text(value)
        case 4: link.mtu = value.number(at: 0, as: UInt32.self)
        case 5: link.parent = Int32(bitPattern: value.number(at: 0, as: UInt32.self))
        case 10: link.master = Int32(bitPattern: value.number(at: 0, as: UInt32.self))
        case 18: information(value, of: &link)
        case 54: link.permanentMAC = Array(value)
        default: continue
        }
      }
      return link
    }
  }

  /// `IFLA_LINKINFO`: the kind, and what is special to it.
  private static func information(_ bytes: ArraySlice<UInt8>, of link: inout LinkRecord) {
    let parts = attributes(bytes)
    link.kind = parts.first { $0.type == 1 }.map { text($0.value) }
    guard let data = parts.first(where: { $0.type == 2 })?.value else { return }
    for (type, value) in attributes(data) {
      switch (link.kind, type) {
      case ("vlan", 1): link.vlanTag = value.number(at: 0, as: UInt16.self)
      case ("bond", 1): link.bondMode = value.first
      case ("bond", 3): link.bondMonitorMilliseconds = value.number(at: 0, as: UInt32.self)
      case ("bond", 14): link.bondHashPolicy = value.first
      case ("bond", 21): link.bondFastRate = value.first == 1
      default: continue
      }
    }
  }

  public static func addresses(in bytes: [UInt8]) -> [AddressRecord] {
    messages(newAddress, header: 8, in: bytes).compactMap { body, attributes in
      var flags = UInt32(body.number(at: 2, as: UInt8.self))
      var local: [UInt8]?
      var other: [UInt8]?
      for (type, value) in attributes {
        switch type {
        case 1: other = Array(value)
        case 2: local = Array(value)
        case 8: flags = value.number(at: 0, as: UInt32.self)
        default: continue
        }
      }
      guard let address = local ?? other, [4, 16].contains(address.count) else { return nil }
      return AddressRecord(
        index: Int32(bitPattern: body.number(at: 4, as: UInt32.self)), bytes: address,
        prefixLength: body.number(at: 1, as: UInt8.self), scope: body.number(at: 3, as: UInt8.self),
        isPermanent: flags & 0x80 != 0, isTemporary: address.count == 16 && flags & 1 != 0)
    }
  }

  public static func routes(in bytes: [UInt8]) -> [RouteRecord] {
    messages(newRoute, header: 12, in: bytes).compactMap { body, attributes in
      let family = body.number(at: 0, as: UInt8.self)
      // Unicast routes (1) of the main table (254), no cached clones.
      guard body.number(at: 7, as: UInt8.self) == 1, body.number(at: 8, as: UInt32.self) & 0x200 == 0,
        family == 2 || family == 10
      else { return nil }
      var table = UInt32(body.number(at: 4, as: UInt8.self))
      var route = RouteRecord(
        index: 0, destination: [], prefixLength: body.number(at: 1, as: UInt8.self), gateway: [], metric: 0,
        isIPv6: family == 10, origin: body.number(at: 5, as: UInt8.self))
      for (type, value) in attributes {
        switch type {
        case 1: route.destination = Array(value)
        case 4: route.index = Int32(bitPattern: value.number(at: 0, as: UInt32.self))
        case 5: route.gateway = Array(value)
        case 6: route.metric = value.number(at: 0, as: UInt32.self)
        case 9: (route.index, route.gateway) = firstHop(value)
        case 15: table = value.number(at: 0, as: UInt32.self)
        // RTA_VIA, an IPv4 route by an IPv6 gateway: family, then the address.
        case 18: route.gateway = Array(value.dropFirst(2))
        default: continue
        }
      }
      guard table == 254, route.index != 0, [0, 4, 16].contains(route.gateway.count) else { return nil }
      return route
    }
  }

  /// The first of several next hops: a header of eight bytes each, then its attributes.
  private static func firstHop(_ bytes: ArraySlice<UInt8>) -> (Int32, [UInt8]) {
    let length = Int(bytes.number(at: 0, as: UInt16.self))
    guard length >= 8, length <= bytes.count else { return (0, []) }
    let hop = bytes.prefix(length).dropFirst(8)
    return (
      Int32(bitPattern: bytes.number(at: 4, as: UInt32.self)),
      attributes(hop).first { $0.type == 5 }.map { Array($0.value) } ?? []
    )
  }

  private static func text(_ bytes: ArraySlice<UInt8>) -> String {
    String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
  }

  /// Bodies and attributes of the messages of one type (`struct nlmsghdr`: length, type, flags, sequence, sender).
  private static func messages(_ type: UInt16, header: Int, in bytes: [UInt8])
    -> [(body: ArraySlice<UInt8>, attributes: [(type: UInt16, value: ArraySlice<UInt8>)])]
  {
    var found: [(body: ArraySlice<UInt8>, attributes: [(type: UInt16, value: ArraySlice<UInt8>)])] = []
    var rest = bytes[...]
    while rest.count >= 16 {
      let length = Int(rest.number(at: 0, as: UInt32.self))
      guard length >= 16, length <= rest.count else { break }
      let body = rest.prefix(length).dropFirst(16)
      if rest.number(at: 4, as: UInt16.self) == type, body.count >= header {
        found.append((body.prefix(header), attributes(body.dropFirst(header))))
      }
      rest = rest.dropFirst((length + 3) & ~3)
    }
    return found
  }

  /// `struct rtattr`: length, type, value, each padded to four bytes.
  static func attributes(_ bytes: ArraySlice<UInt8>) -> [(type: UInt16, value: ArraySlice<UInt8>)] {
    var found: [(type: UInt16, value: ArraySlice<UInt8>)] = []
    var rest = bytes
    while rest.count >= 4 {
      let length = Int(rest.number(at: 0, as: UInt16.self))
      guard length >= 4, length <= rest.count else { break }
      // The upper bits say that the value is nested, or in network order.
      found.append((rest.number(at: 2, as: UInt16.self) & 0x3FFF, rest.prefix(length).dropFirst(4)))
      rest = rest.dropFirst((length + 3) & ~3)
    }
    return found
  }
}

extension ArraySlice<UInt8> {
  /// A number in the machine's order; what lies behind the end counts as 0.
  fileprivate func number<Number: FixedWidthInteger>(at offset: Int, as type: Number.Type) -> Number {
    var value: Number = 0
    for index in 0..<(Number.bitWidth / 8) where offset + index < count {
      let byte = Number(truncatingIfNeeded: self[startIndex + offset + index])
      value |= byte << (8 * Number(index))
    }
    return Number(littleEndian: value.littleEndian)
  }
}
