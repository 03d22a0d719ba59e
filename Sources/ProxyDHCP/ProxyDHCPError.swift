/// Why the proxyDHCP server can not start, or had to stop.
public enum ProxyDHCPError: Error, Equatable, Sendable, CustomStringConvertible {
  case noInterfaces(available: [String])
  case noSuchInterface(String, available: [String])
  case interfaceWithoutAddress(String)
  /// - Parameter holders: programs that hold the port, as far as they can be seen.
  case portInUse(port: Int, interface: String, holders: [String])
  case missingPrivilege(port: Int, interface: String)
  case cannotBind(port: Int, interface: String, reason: String)
  case cannotListInterfaces(reason: String)
  case socketLost(interface: String)

  public var description: String {
    switch self {
    case .noInterfaces(let available):
      "no interface is named to serve network boots on; there are: \(Self.list(available))"
    case .noSuchInterface(let name, let available):
      "there is no network interface '\(name)'; there are: \(Self.list(available))"
    case .interfaceWithoutAddress(let name):
      "interface \(name) has no IPv4 address; give it one (ip address add … dev \(name)), since machines have to reach"
        + " the appliance there"
    case .portInUse(let port, let interface, let holders):
      """
      UDP port \(port) on \(interface) is taken by \(holders.isEmpty ? "another program" : Self.list(holders)): \
      another proxyDHCP, boot or DHCP server on this host. \
      Stop it (see: ss -lunp 'sport = :\(port)'), or move it to another host or interface
      """
    case .missingPrivilege(let port, let interface):
      """
      no permission to listen on UDP port \(port) of \(interface); run as root, or give the program the capabilities \
      CAP_NET_BIND_SERVICE and CAP_NET_RAW
      """
    case .cannotBind(let port, let interface, let reason):
      "can not listen on UDP port \(port) of \(interface): \(reason)"
    case .cannotListInterfaces(let reason): "can not list the network interfaces: \(reason)"
    case .socketLost(let interface): "a socket on \(interface) was closed; is the interface gone?"
    }
  }

  private static func list(_ names: [String]) -> String { names.isEmpty ? "none" : names.joined(separator: ", ") }
}
