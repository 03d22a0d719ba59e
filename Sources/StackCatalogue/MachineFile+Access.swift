import StackSet
import StackTemplates

extension MachineFile {
  struct Access: Decodable {
    struct Zones: Decodable {
      var lan: String?
      var vpn: String?
      var everywhere: String?
      enum CodingKeys: String, CodingKey {
        case lan, vpn
        case everywhere = "public"
      }
    }
    struct Design: Decodable { var enable: Bool? }
    struct Route: Decodable {
      var host: String?
      var upstream: String
      var upstreamName: String?
      var exposure: String?
    }
    struct Certificate: Decodable {
      var mode: String?
      var email: String?
      var dnsProvider: String?
    }
    struct Login: Decodable {
      var provider: String
      var address: String
      var path: String
      var headers: [String]?
      var routes: [String]
    }
    struct SplitDNS: Decodable { var nameServers: [String]? }
    var zones: Zones?
    var localNetworks: [String]?
    var vpnNetworks: [String]?
    var proxyAddress: String?
    var routes: [String: Route]?
    var certificate: Certificate?
    var caddy: Design?
    var traefik: Design?
    var nginxProxyManager: Design?
    var splitDNS: SplitDNS?
    var login: Login?
    enum CodingKeys: String, CodingKey {
      case login, zones, routes, localNetworks, vpnNetworks, proxyAddress, certificate, traefik
      case caddy = "caddy-hub"
      case nginxProxyManager = "nginx-proxy-manager"
      case splitDNS = "split-dns"
    }
  }

  func access(_ stacks: [StackSettings.Instance], _ path: String) throws(CatalogueError) -> StackAccess {
    var access = StackAccess()
    let chosen = settings?.access
    (access.lan, access.vpn, access.everywhere) = (chosen?.zones?.lan, chosen?.zones?.vpn, chosen?.zones?.everywhere)
    access.localNetworks = chosen?.localNetworks ?? access.localNetworks
    access.vpnNetworks = chosen?.vpnNetworks ?? access.vpnNetworks
    access.proxyAddress = chosen?.proxyAddress
    access.nameServers = chosen?.splitDNS?.nameServers ?? []
    access.login = chosen?.login.map {
      StackAccess.Login(
        provider: $0.provider, address: $0.address, path: $0.path, headers: $0.headers ?? [], routes: $0.routes)
    }
    if chosen?.certificate?.mode == "acme" {
      access.certificate = .acme(
        email: chosen?.certificate?.email ?? "", provider: chosen?.certificate?.dnsProvider ?? "cloudflare")
      if access.certificate == .acme(email: "", provider: chosen?.certificate?.dnsProvider ?? "cloudflare") {
        throw CatalogueError(path: path, text: "settings.access.certificate.email is missing; ACME asks for an address")
      }
    }
    access.routes = try (chosen?.routes ?? [:]).sorted { $0.key < $1.key }
      .map { name, route throws(CatalogueError) in
        DeclaredRoute(
          name, host: route.host, upstream: route.upstream, upstreamName: route.upstreamName,
          exposure: try exposure(of: name, route, path))
      }
    access.hostDesigns = hostDesigns
    let designs = HubConfiguration.Design.allCases.filter { $0 != .none }
    // A proxy among the stacks, then one of the machine itself, then one elsewhere.
    if let hub = designs.compactMap({ design in stacks.first { $0.template == design.rawValue } }).first {
      access.design = HubConfiguration.Design(rawValue: hub.template) ?? .none
      access.place = .stack(hub.name)
    } else if let found = access.hostDesigns.first {
      (access.design, access.place) = (found, .host)
    } else if let proxy = access.proxyAddress, let address = ownAddress, proxy != address {
      (access.design, access.place) = (.nginxProxyManager, .elsewhere(address: address))
    }
    return access
  }

  /// The machine's first fixed IPv4 address.
  private var ownAddress: String? {
    (network?.interfaces ?? []).flatMap { $0.addresses ?? [] }.map { String($0.prefix { $0 != "/" }) }
      .first { !$0.contains(":") }
  }

  /// Those that are enabled, and the one of the role `edge`.
  private var hostDesigns: [HubConfiguration.Design] {
    let chosen = settings?.access
    var enabled: Set<HubConfiguration.Design> = []
    if chosen?.caddy?.enable == true { enabled.insert(.caddy) }
    if chosen?.traefik?.enable == true { enabled.insert(.traefik) }
    if chosen?.nginxProxyManager?.enable == true { enabled.insert(.nginxProxyManager) }
    if roles?.contains("edge") == true {
      let named = settings?.roles?.edge?.proxy ?? HubConfiguration.Design.caddy.rawValue
      if let design = HubConfiguration.Design(rawValue: named) { enabled.insert(design) }
    }
    return HubConfiguration.Design.allCases.filter(enabled.contains)
  }

  private func exposure(of name: String, _ route: Access.Route, _ path: String) throws(CatalogueError)
    -> StackExposure
  {
    guard let text = route.exposure else { return .lan }
    // To the house it is a route as any other; the port is opened by a design of its own.
    if text == "port-forward" { return .lan }
    guard let exposure = StackExposure(rawValue: text) else {
      throw CatalogueError(
        path: path, text: "settings.access.routes.\(name).exposure takes lan, vpn, public or port-forward")
    }
    return exposure
  }
}
