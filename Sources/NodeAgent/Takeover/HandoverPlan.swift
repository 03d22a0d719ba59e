/// Makes the hand-over from what the kernel says: pure, for any mixture of bridges, bonds and VLANs.
public struct HandoverPlan: Sendable {
  private let links: [Int32: LinkRecord]
  private var names: [Int32: String] = [:]
  private var result = NetworkHandover(links: [], routes: [], nameServers: [])

  /// - Throws: ``HandoverError``.
  public static func make(
    links: [LinkRecord], addresses: [AddressRecord], routes: [RouteRecord], nameServers: [String]
  ) throws(HandoverError) -> NetworkHandover {
    var plan = HandoverPlan(links: Dictionary(links.map { ($0.index, $0) }) { first, _ in first })
    for address in addresses where Self.isUseful(address) { plan.add(address) }
    for route in routes { plan.add(route) }
    guard plan.result.links.contains(where: { $0.usesDHCP || !$0.addresses.isEmpty }) else {
      throw .nothing(seen: links.filter { !$0.isLoopback }.map(\.name).sorted())
    }
    plan.result.nameServers = nameServers.filter(Self.isAddress)
    return plan.result
  }

  private init(links: [Int32: LinkRecord]) { self.links = links }

  /// Global addresses; link-local ones come by themselves, temporary ones are made anew.
  private static func isUseful(_ address: AddressRecord) -> Bool {
    guard !address.isTemporary, address.scope < 253 else { return false }
    if address.bytes.count == 4 {
      return address.bytes[0] != 127 && !(address.bytes[0] == 169 && address.bytes[1] == 254)
    }
    return !(address.bytes[0] == 0xFE && address.bytes[1] & 0xC0 == 0x80)
  }

  private mutating func add(_ address: AddressRecord) {
    guard let base = base(of: address.index), let name = name(for: base),
      let place = result.links.firstIndex(where: { $0.name == name })
    else { return }
    let text = "\(Self.text(address.bytes))/\(address.prefixLength)"
    if !result.links[place].addresses.contains(text) { result.links[place].addresses.append(text) }
    // A container's or a user's bridge has no lease of its own; what stands on hardware may.
    if address.bytes.count == 4, !address.isPermanent { result.links[place].usesDHCP = true }
  }

  private mutating func add(_ route: RouteRecord) {
    guard let base = base(of: route.index), let name = names[base], !Self.isLocal(route) else { return }
    // What the kernel makes by itself with each address.
    if route.origin == 2, route.gateway.isEmpty { return }
    let isIPv6 = route.isIPv6
    result.routes.append(
      NetworkHandover.Route(
        link: name,
        destination: route.prefixLength == 0 ? "default" : "\(Self.text(route.destination))/\(route.prefixLength)",
        gateway: route.gateway.isEmpty ? nil : Self.text(route.gateway), metric: Int(route.metric), isIPv6: isIPv6))
  }

  private static func isLocal(_ route: RouteRecord) -> Bool {
    route.isIPv6 && (route.destination.starts(with: [0xFE, 0x80]) || route.destination.first == 0xFF)
  }

  /// The hardware, VLAN or bond that carries the traffic of an interface: itself, or the one such port of a bridge.
  private func base(of index: Int32, depth: Int = 0) -> Int32? {
    guard depth < 8, let link = links[index], !link.isLoopback else { return nil }
    switch link.kind {
    case nil: return link.hardwareType == 1 && link.mac.count == 6 ? index : nil
    case "vlan", "bond": return index
    case "bridge":
      let ports = links.values.filter { $0.master == index }.sorted { $0.index < $1.index }
      let carriers = ports.compactMap { base(of: $0.index, depth: depth + 1) }
      return carriers.first
    default: return nil
    }
  }

  /// Registers a link with what it stands on, and names it; nil where nothing real is below.
  private mutating func name(for index: Int32, depth: Int = 0) -> String? {
    if let name = names[index] { return name }
    guard depth < 8, let link = links[index] else { return nil }
    let mtu = link.mtu == 1500 || link.mtu == 0 || link.mtu > 65_535 ? nil : Int(link.mtu)
    switch link.kind {
    case nil:
      return register(
        "l", index, .hardware(mac: Self.text(mac: link.permanentMAC.count == 6 ? link.permanentMAC : link.mac)), mtu)
    case "vlan":
      guard let parent = link.parent, let tag = link.vlanTag, let base = base(of: parent),
        let below = name(for: base, depth: depth + 1)
      else { return nil }
      return register("v", index, .vlan(parent: below, tag: Int(tag)), mtu)
    case "bond":
      var members: [String] = []
      for member in links.values.filter({ $0.master == index && $0.kind == nil }).sorted(by: { $0.index < $1.index }) {
        if let name = name(for: member.index, depth: depth + 1) { members.append(name) }
      }
      let modes = [
        "balance-rr", "active-backup", "balance-xor", "broadcast", "802.3ad", "balance-tlb", "balance-alb",
      ]
      guard !members.isEmpty, let mode = link.bondMode, mode < modes.count else { return nil }
      var options = ["miimon=\(link.bondMonitorMilliseconds.flatMap { $0 == 0 ? nil : $0 } ?? 100)"]
      if let policy = link.bondHashPolicy, policy < 6, [2, 4].contains(mode) {
        options.append("xmit_hash_policy=\(policy)")
      }
      if mode == 4 { options.append("lacp_rate=\(link.bondFastRate == true ? 1 : 0)") }
      return register(
        "b", index, .bond(mode: modes[Int(mode)], members: members, mac: Self.text(mac: link.mac), options: options),
        mtu)
    default: return nil
    }
  }

  private mutating func register(_ letter: String, _ index: Int32, _ link: NetworkHandover.Link, _ mtu: Int?) -> String
  {
    let name = letter + String(result.links.count { $0.name.hasPrefix(letter) })
    names[index] = name
    result.links.append(NetworkHandover.NamedLink(name: name, link: link, mtu: mtu))
    return name
  }

  static func text(mac: [UInt8]) -> String {
    mac.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined(separator: ":")
  }

  /// Dotted, or eight groups; nobody reads it but the installer.
  static func text(_ bytes: [UInt8]) -> String {
    if bytes.count == 4 { return bytes.map(String.init).joined(separator: ".") }
    return stride(from: 0, to: bytes.count - 1, by: 2).map {
      String(Int(bytes[$0]) << 8 | Int(bytes[$0 + 1]), radix: 16)
    }
    .joined(separator: ":")
  }

  private static func isAddress(_ text: String) -> Bool {
    (2...45).contains(text.utf8.count)
      && text.utf8.allSatisfy { byte in
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "a")...UInt8(ascii: "f"),
          UInt8(ascii: "A")...UInt8(ascii: "F"),
          UInt8(ascii: "."), UInt8(ascii: ":"):
          true
        default: false
        }
      }
  }
}
