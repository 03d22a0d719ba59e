import StackSet

/// Writes what the reverse proxy is told.
struct HubRenderer {
  /// A route as the proxy is told it.
  private struct Entry {
    enum Certificate {
      /// Nothing is encrypted, or it is checked for the upstream's own address.
      case standard
      /// That of a container is its own; the way there stays on this machine's networks.
      case unchecked
      case named(String)
    }

    var name: String
    /// Whose it is.
    var origin: String
    var names: [String]
    var upstream: String
    var certificate: Certificate
    var exposure: StackExposure
    var hasLogin: Bool
  }

  let access: StackAccess
  let routes: [StackRoute]

  /// What the proxy's own stack sets from its secret: the token for the DNS provider.
  static let tokenVariable = "DNS_API_TOKEN"

  func configuration() throws -> HubConfiguration {
    switch access.design {
    case .none: return HubConfiguration()
    case .caddy: return HubConfiguration(design: .caddy, caddyfile: caddyfile(entries))
    case .traefik: return HubConfiguration(design: .traefik, traefik: try traefik(entries))
    case .nginxProxyManager: return HubConfiguration(design: .nginxProxyManager, hosts: entries.compactMap(host))
    }
  }

  /// The stacks' routes, then those of the settings; a proxy elsewhere has the latter from its own machine.
  private var entries: [Entry] {
    let own = routes.filter { !$0.names.isEmpty }.map { route in
      Entry(
        name: route.name, origin: route.stack, names: route.names, upstream: route.upstream,
        certificate: route.scheme == .https ? .unchecked : .standard, exposure: route.exposure,
        hasLogin: route.login != nil)
    }
    if case .elsewhere = access.place { return own }
    return own
      + access.routes.map { route in
        Entry(
          name: route.name, origin: "settings", names: access.names(route), upstream: route.upstream,
          certificate: route.upstreamName.map { .named($0) } ?? .standard, exposure: route.exposure,
          hasLogin: access.login?.routes.contains(route.name) == true)
      }
  }

  private func caddyfile(_ routes: [Entry]) -> String {
    var lines = ["{", "\tgrace_period 10s"]
    if case .acme(let email, let provider) = access.certificate {
      lines.append("\temail \(email)")
      lines.append("\tacme_dns \(provider) {env.\(Self.tokenVariable)}")
    }
    lines.append("}")
    if access.certificate == .authority, case .stack = access.place { lines += rootPage }
    for route in routes {
      lines += ["", "# \(route.origin): \(route.name)", route.names.joined(separator: ", ") + " {"]
      if access.certificate == .authority { lines.append("\ttls internal") }
      let allowed = access.allowed(route.exposure)
      if !allowed.isEmpty {
        lines += ["\t@outside not remote_ip \(allowed.joined(separator: " "))", "\tabort @outside"]
      }
      lines.append("\tencode zstd gzip")
      if route.hasLogin, let login = access.login { lines += guarding(login) }
      switch route.certificate {
      case .standard: lines.append("\treverse_proxy \(route.upstream)")
      case .unchecked: lines += proxying(route.upstream, "tls_insecure_skip_verify")
      case .named(let name): lines += proxying(route.upstream, "tls_server_name \(name)")
      }
      lines.append("}")
    }
    return lines.joined(separator: "\n") + "\n"
  }

  private func proxying(_ upstream: String, _ certificate: String) -> [String] {
    ["\treverse_proxy \(upstream) {", "\t\ttransport http {", "\t\t\t\(certificate)", "\t\t}", "\t}"]
  }

  /// Caddy itself puts it before what leads to the service.
  private func guarding(_ login: StackAccess.Login) -> [String] {
    let headers = login.headers.isEmpty ? [] : ["\t\tcopy_headers \(login.headers.joined(separator: " "))"]
    return ["\tforward_auth \(login.address) {", "\t\turi \(login.path)"] + headers + ["\t}"]
  }

  /// The authority's root certificate, for devices to trust; the folder is that of Caddy's image.
  private var rootPage: [String] {
    [
      "", ":80 {", "\t@outside not remote_ip \(access.allowed(.vpn).joined(separator: " "))", "\tabort @outside",
      "\thandle /root.crt {", "\t\troot * /data/caddy/pki/authorities/local", "\t\tfile_server", "\t}", "\thandle {",
      "\t\tredir https://{host}{uri} permanent", "\t}", "}",
    ]
  }

  /// The file of the proxy's own stack that routes stand in, and what it holds now.
  func file(_ hub: HubConfiguration) -> (name: String, text: String)? {
    switch hub.design {
    case .caddy: hub.caddyfile.map { ("Caddyfile", $0) }
    case .traefik: hub.traefik.map { ("dynamic.yaml", $0) }
    case .none, .nginxProxyManager: nil
    }
  }

  private func traefik(_ routes: [Entry]) throws -> String {
    var routers: [String: ComposeNode] = [:]
    var services: [String: ComposeNode] = [:]
    var transports: [String: ComposeNode] = [:]
    for route in routes {
      let rule = route.names.map { "Host(`\($0)`)" }.joined(separator: " || ")
      var router: [String: ComposeNode] = [
        "rule": ComposeNode(rule), "entryPoints": ComposeNode([ComposeNode("websecure")]),
        "service": ComposeNode(route.name), "tls": ComposeNode([String: ComposeNode]()),
      ]
      var middlewares: [String] = []
      switch route.exposure {
      case .lan: middlewares = ["local-only"]
      case .vpn: middlewares = ["with-vpn"]
      case .everywhere: break
      }
      if route.hasLogin { middlewares.append("login") }
      if !middlewares.isEmpty { router["middlewares"] = ComposeNode(middlewares.map { ComposeNode($0) }) }
      routers[route.name] = ComposeNode(router)
      var balancer = ["servers": ComposeNode([ComposeNode(["url": ComposeNode(route.upstream)])])]
      switch route.certificate {
      case .standard: break
      case .unchecked:
        balancer["serversTransport"] = ComposeNode("own-certificate")
        transports["own-certificate"] = ComposeNode(["insecureSkipVerify": ComposeNode(.boolean(true))])
      case .named(let name):
        balancer["serversTransport"] = ComposeNode("to-" + route.name)
        transports["to-" + route.name] = ComposeNode(["serverName": ComposeNode(name)])
      }
      services[route.name] = ComposeNode(["loadBalancer": ComposeNode(balancer)])
    }
    func allowing(_ networks: [String]) -> ComposeNode {
      ComposeNode(["ipAllowList": ComposeNode(["sourceRange": ComposeNode(networks.map { ComposeNode($0) })])])
    }
    var middlewares = ["local-only": allowing(access.allowed(.lan)), "with-vpn": allowing(access.allowed(.vpn))]
    if let login = access.login {
      var fields = ["address": ComposeNode(login.address + login.path)]
      if !login.headers.isEmpty { fields["authResponseHeaders"] = ComposeNode(login.headers.map { ComposeNode($0) }) }
      middlewares["login"] = ComposeNode(["forwardAuth": ComposeNode(fields)])
    }
    var http = ["middlewares": ComposeNode(middlewares)]
    // Traefik refuses empty mappings here.
    if !routes.isEmpty { (http["routers"], http["services"]) = (ComposeNode(routers), ComposeNode(services)) }
    if !transports.isEmpty { http["serversTransports"] = ComposeNode(transports) }
    let configuration = ComposeNode(["http": ComposeNode(http)])
    return String(decoding: try CanonicalJSON.encode(configuration), as: UTF8.self)
  }

  private func host(_ route: Entry) -> HubConfiguration.ProxyHost? {
    guard let upstream = UpstreamAddress(route.upstream) else { return nil }
    return HubConfiguration.ProxyHost(
      domainNames: route.names, forwardScheme: upstream.scheme, forwardHost: upstream.host,
      forwardPort: upstream.port, isSSLForced: true, allowedFrom: access.allowed(route.exposure))
  }
}
