import StackSet

/// A machine's choices for its stacks, as `machine.json` has them. The names are those of `bootstead.stacks` and
/// `bootstead.access`.
public struct StackSettings: Sendable {
  /// One stack of the machine.
  public struct Instance: Sendable {
    public var name: String
    /// The template; mostly of the same name.
    public var template: String
    public var parameters: [String: StackParameterValue] = [:]
    public var environment: [String: String] = [:]
    /// `secret:NAME` by the template's name for it.
    public var secrets: [String: String] = [:]
    public var exposure: StackExposure?
    /// The first part of its first route's names, or a whole name.
    public var host: String?
    /// Images by service, instead of the template's.
    public var images: [String: String] = [:]

    public init(_ name: String, template: String? = nil) { (self.name, self.template) = (name, template ?? name) }
  }

  /// A file system of the machine.
  public struct FileSystem: Sendable {
    public var mountPoint: String
    /// As mount names it: `ext4`, `nfs`.
    public var type: String

    public init(mountPoint: String, type: String) { (self.mountPoint, self.type) = (mountPoint, type) }

    var isRemote: Bool { type.hasPrefix("nfs") || type == "cifs" || type.hasPrefix("smb") }
  }

  /// Whom containers run as.
  public enum Identity: Hashable, Sendable {
    case fixed(StackOwner)
    /// The number that root of a container has outside.
    case remapped(base: Int)
    case image
  }

  /// How refusals call the settings.
  public var file = "machine.json"
  public var machine: String
  /// As Nix names it: `x86_64-linux`.
  public var architecture = "x86_64-linux"
  public var engine = ContainerEngine.docker
  public var directory = "/srv/stacks"
  public var timeZone = "Etc/UTC"
  public var stacks: [Instance] = []
  /// A class that is not named lies below `/srv`.
  public var placement: [PlacementClass: String] = [:]
  public var fileSystems: [FileSystem] = []
  public var identity = Identity.image
  public var access = StackAccess()

  public init(machine: String) { self.machine = machine }

  /// The folder of a class.
  func place(of placementClass: PlacementClass) -> String {
    placement[placementClass] ?? (placementClass == .stacks ? directory : "/srv/\(placementClass.rawValue)")
  }

  /// The file system that a path lies on.
  func fileSystem(of path: String) -> FileSystem? {
    fileSystems.filter { $0.mountPoint == "/" || path == $0.mountPoint || path.hasPrefix($0.mountPoint + "/") }
      .max { $0.mountPoint.utf8.count < $1.mountPoint.utf8.count }
  }
}

/// How the machine's routes are reached.
public struct StackAccess: Sendable {
  public enum Certificate: Hashable, Sendable {
    /// Signed by the proxy itself.
    case authority
    /// By ACME over DNS.
    case acme(email: String, provider: String)
  }

  /// Where the reverse proxy is.
  public enum Place: Hashable, Sendable {
    /// A program of the machine itself: services are published on its loopback interface.
    case host
    /// The stack of this name, on a network with all that has routes.
    case stack(String)
    /// Another machine: services are published on this address of this machine.
    case elsewhere(address: String)
  }

  /// An identity provider that the reverse proxy asks before it lets somebody through.
  public struct Login: Hashable, Sendable {
    /// Where people are sent: `https://auth.example.com`.
    public var provider: String
    /// Where the proxy asks: `http://auth-server:9000`.
    public var address: String
    /// What it asks for there.
    public var path: String
    /// Headers of the answer that services are given.
    public var headers: [String]
    /// The routes that it guards.
    public var routes: [String]

    public init(provider: String, address: String, path: String, headers: [String], routes: [String]) {
      (self.provider, self.address, self.path) = (provider, address, path)
      (self.headers, self.routes) = (headers, routes)
    }
  }

  public var design = HubConfiguration.Design.none
  public var place = Place.host
  public var certificate = Certificate.authority
  /// Domains of the zones.
  public var lan: String?
  public var vpn: String?
  public var everywhere: String?
  public var localNetworks = ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7", "fe80::/10"]
  public var vpnNetworks = ["100.64.0.0/10"]
  /// Where names lead to.
  public var proxyAddress: String?
  /// The name servers of the house, as its devices are given them.
  public var nameServers: [String] = []
  public var login: Login?
  /// Those of the settings themselves, by name.
  public var routes: [DeclaredRoute] = []
  /// Reverse proxies that the machine itself runs, beside its stacks.
  public var hostDesigns: [HubConfiguration.Design] = []

  public init() {}

  func names(_ route: DeclaredRoute) -> [String] { names(host: route.host, exposure: route.exposure) }

  /// The full names of a host for those who may come in; whoever may come from further away may come from nearer.
  func names(host: String, exposure: StackExposure) -> [String] {
    if host.contains(".") { return [host] }
    let domains =
      switch exposure {
      case .lan: [lan]
      case .vpn: [lan, vpn]
      case .everywhere: [lan, vpn, everywhere]
      }
    var names: [String] = []
    for domain in domains.compactMap(\.self) where !names.contains("\(host).\(domain)") {
      names.append("\(host).\(domain)")
    }
    return names
  }

  /// What tests of the names measure by.
  var expectation: AccessExpectation {
    AccessExpectation(address: proxyAddress, nameServers: nameServers, signer: signer)
  }

  /// Only Caddy has an authority of its own; of a proxy elsewhere the settings say it.
  private var signer: AccessExpectation.Signer {
    switch (certificate, design, place) {
    case (.acme, _, _), (_, .traefik, _), (_, .nginxProxyManager, .host), (_, .nginxProxyManager, .stack): .acme
    case (.authority, _, _): .authority
    }
  }

  /// Networks that may use a route; empty: everybody.
  func allowed(_ exposure: StackExposure) -> [String] {
    switch exposure {
    case .lan: localNetworks
    case .vpn: localNetworks + vpnNetworks
    case .everywhere: []
    }
  }
}
