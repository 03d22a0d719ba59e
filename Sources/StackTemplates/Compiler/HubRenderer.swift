import StackSet

/// Writes what the reverse proxy is told.
struct HubRenderer {
  let access: StackAccess
  let routes: [StackRoute]

  /// What the proxy's own stack sets from its secret: the token for the DNS provider.
  static let tokenVariable = "DNS_API_TOKEN"

  func configuration() throws -> HubConfiguration {
    let routes = routes.filter { !$0.names.isEmpty }
    switch access.design {
    case .none: return HubConfiguration()
    case .caddy: return HubConfiguration(design: .caddy, caddyfile: caddyfile(routes))
    case .traefik: return HubConfiguration(design: .traefik, traefik: try traefik(routes))
    case .nginxProxyManager: return HubConfiguration(design: .nginxProxyManager, hosts: routes.compactMap(host))
    }
  }

  private func caddyfile(_ routes: [StackRoute]) -> String {
    var lines = ["{", "\tgrace_period 10s"]
    if case .acme(let email, let provider) = access.certificate {
      lines.append("\temail \(email)")
      lines.append("\tacme_dns \(provider) {env.\(Self.tokenVariable)}")
    }
    lines.append("}")
    if access.certificate == .authority, case .stack = access.place { lines += rootPage }
    for route in routes {
      lines += ["", "# \(route.stack): \(route.name)", route.names.joined(separator: ", ") + " {"]
      if access.certificate == .authority { lines.append("\ttls internal") }
      let allowed = access.allowed(route.exposure)
      if !allowed.isEmpty {
        lines += ["\t@outside not remote_ip \(allowed.joined(separator: " "))", "\tabort @outside"]
      }
      lines.append("\tencode zstd gzip")
      if route.login != nil, let login = access.login { lines += guarding(login) }
      if route.scheme == .https {
        // The certificate of a container is its own; the way there stays on this machine's networks.
        lines += [
          "\treverse_proxy \(route.upstream) {", "\t\ttransport http {", "\t\t\ttls_insecure_skip_verify", "\t\t}",
          "\t}",
        ]
      } else {
        lines.append("\treverse_proxy \(route.upstream)")
      }
      lines.append("}")
    }
    return lines.joined(separator: "\n") + "\n"
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

  private func traefik(_ routes: [StackRoute]) throws -> String {
    var routers: [String: ComposeNode] = [:]
    var services: [String: ComposeNode] = [:]
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
      if route.login != nil { middlewares.append("login") }
      if !middlewares.isEmpty { router["middlewares"] = ComposeNode(middlewares.map { ComposeNode($0) }) }
      routers[route.name] = ComposeNode(router)
      var balancer = ["servers": ComposeNode([ComposeNode(["url": ComposeNode(route.upstream)])])]
      if route.scheme == .https { balancer["serversTransport"] = ComposeNode("own-certificate") }
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
    if routes.contains(where: { $0.scheme == .https }) {
      http["serversTransports"] = ComposeNode([
        "own-certificate": ComposeNode(["insecureSkipVerify": ComposeNode(.boolean(true))])
      ])
    }
    let configuration = ComposeNode(["http": ComposeNode(http)])
    return String(decoding: try CanonicalJSON.encode(configuration), as: UTF8.self)
  }

  private func host(_ route: StackRoute) -> HubConfiguration.ProxyHost? {
    guard let authority = route.upstream.split(separator: "/").last, let colon = authority.lastIndex(of: ":"),
      let port = Int(authority[authority.index(after: colon)...])
    else { return nil }
    return HubConfiguration.ProxyHost(
      domainNames: route.names, forwardScheme: route.scheme, forwardHost: String(authority[..<colon]),
      forwardPort: port, isSSLForced: true, allowedFrom: access.allowed(route.exposure))
  }
}
