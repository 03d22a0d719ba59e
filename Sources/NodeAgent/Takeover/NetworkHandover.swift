/// The network of the old system, for the installer: what its init needs to bring the same addresses up again.
///
/// Links are named by their hardware addresses, because another kernel may give them other names.
public struct NetworkHandover: Hashable, Sendable {
  /// In the installer's root file system.
  public static let path = "/etc/bootstead/network"

  public enum Link: Hashable, Sendable {
    case hardware(mac: String)
    case vlan(parent: String, tag: Int)
    case bond(mode: String, members: [String], mac: String, options: [String])
  }

  public struct NamedLink: Hashable, Sendable {
    /// `l0` for hardware, `v0` for VLANs, `b0` for bonds: the names of the new ones in the installer.
    public var name: String
    public var link: Link
    /// Nil for the usual 1500.
    public var mtu: Int?
    /// An IPv4 address of it came from DHCP: to be asked for again.
    public var usesDHCP = false
    /// `192.0.2.7/24`
    public var addresses: [String] = []
  }

  public struct Route: Hashable, Sendable {
    public var link: String
    /// `default` or `192.0.2.0/24`
    public var destination: String
    public var gateway: String?
    public var metric: Int
    public var isIPv6: Bool
  }

  /// Those that others stand on first.
  public var links: [NamedLink]
  public var routes: [Route]
  public var nameServers: [String]

  /// Lines of words: one fact each, and nothing in them that a shell could take for more than a word.
  public var text: String {
    var lines: [String] = []
    for link in links {
      switch link.link {
      case .hardware(let mac): lines.append("link \(link.name) \(mac)")
      case .vlan(let parent, let tag): lines.append("vlan \(link.name) \(parent) \(tag)")
      case .bond(let mode, let members, let mac, let options):
        lines.append((["bond", link.name, mode, members.joined(separator: ","), mac] + options).joined(separator: " "))
      }
      if let mtu = link.mtu { lines.append("mtu \(link.name) \(mtu)") }
    }
    for link in links {
      if link.usesDHCP { lines.append("dhcp \(link.name)") }
      lines += link.addresses.map { "address \(link.name) \($0)" }
    }
    // Networks on the link before what is reached through a gateway there.
    for route in routes.filter({ $0.gateway == nil }) + routes.filter({ $0.gateway != nil }) {
      lines.append(
        "route \(route.link) \(route.isIPv6 ? 6 : 4) \(route.destination) \(route.gateway ?? "-") \(route.metric)")
    }
    lines += nameServers.map { "nameserver \($0)" }
    return lines.map { $0 + "\n" }.joined()
  }
}

/// Why a network can not be handed over.
public enum HandoverError: Error, Sendable, Equatable, CustomStringConvertible {
  /// No interface with an address stands on hardware.
  case nothing(seen: [String])

  public var description: String {
    switch self {
    case .nothing(let seen):
      "none of this machine's interfaces (\(seen.joined(separator: ", "))) has an address and hardware below it, so the installer would not reach anything"
    }
  }
}
