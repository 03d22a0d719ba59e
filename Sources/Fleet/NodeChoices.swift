/// What is declared of a node beside its roles and stacks. It goes into its `machine.json` as it is.
public struct NodeChoices: Codable, Sendable, Hashable {
  public var network: NodeNetwork?
  public var administrator: NodeAdministrator?
  /// Values of options below `bootstead`.
  public var settings: [String: JSONValue]
  /// The owner's Nix files, as `modules/NAME.nix`.
  public var modules: [String]

  public init(
    network: NodeNetwork? = nil, administrator: NodeAdministrator? = nil, settings: [String: JSONValue] = [:],
    modules: [String] = []
  ) {
    (self.network, self.administrator) = (network, administrator)
    (self.settings, self.modules) = (settings, modules)
  }
}

/// The one person that a node lets in.
public struct NodeAdministrator: Codable, Sendable, Hashable {
  public var name: String?
  /// Public SSH keys.
  public var authorizedKeys: [String]?
}

public struct NodeNetwork: Codable, Sendable, Hashable {
  public var domain: String?
  public var interfaces: [NodeInterface]?

  public init(domain: String? = nil, interfaces: [NodeInterface]? = nil) {
    (self.domain, self.interfaces) = (domain, interfaces)
  }
}

/// A network card, known by its MAC address.
public struct NodeInterface: Codable, Sendable, Hashable {
  public var mac: String
  /// With their prefix length.
  public var addresses: [String]?
  public var dhcp: Bool?
  public var gateway: String?
  public var gateway6: String?
  public var nameServers: [String]?
  public var bridge: String?
  public var vlans: [NodeVLAN]?
}

public struct NodeVLAN: Codable, Sendable, Hashable {
  /// 1 to 4094.
  public var id: Int
  public var addresses: [String]?
  public var dhcp: Bool?
  public var gateway: String?
  public var gateway6: String?
  public var nameServers: [String]?
  public var bridge: String?
}
