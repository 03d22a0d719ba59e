import FoundationEssentials
import StackSet
import StackTemplates
import Testing

@Suite("What the reverse proxy is told")
struct HubTests {
  static let hub = SampleStack.small(
    "caddy-hub", order: 30,
    extra: """
          ports: ["443:443"]
          configs: [{ source: Caddyfile, target: /etc/caddy/Caddyfile }]
      configs: { Caddyfile: { file: ./Caddyfile } }
      """,
    described: "  ports: [{ service: app, port: 443, kind: hub, reason: All routes come in here. }]")

  static func compile(_ change: (inout StackSettings) -> Void) throws -> StackSet {
    let settings = SampleStack.settings {
      $0.access.everywhere = "example.com"
      $0.access.proxyAddress = "192.0.2.10"
      change(&$0)
    }
    let templates = [
      try SampleStack.template(), try SampleStack.template(hub, files: ["Caddyfile": ":80\n"]),
    ]
    return try StackCompiler(settings: settings, templates: templates, digest: SampleStack.fold).compile()
  }

  @Test("Caddy on the machine reaches services on its loopback interface alone")
  func caddyOnHost() throws {
    let set = try Self.compile { $0.access.design = .caddy }
    let text = try #require(set.hub.caddyfile)
    let route = try #require(set.routes.first { $0.name == "notes" })
    #expect(text.contains("notes.lan.example.com, notes.vpn.example.com {\n\ttls internal\n"))
    #expect(text.contains("\treverse_proxy \(route.upstream)\n"))
    #expect(
      text.contains("@outside not remote_ip 10.0.0.0/8 172.16.0.0/12 192.168.0.0/16 fc00::/7 fe80::/10 100.64.0.0/10\n")
    )
    #expect(route.upstream.hasPrefix("http://127.0.0.1:2"))
    let port = try #require(route.upstream.split(separator: ":").last)
    let compose = try #require(set.stacks.first).compose
    #expect(
      compose.contains(#""host_ip":"127.0.0.1","mode":"host","protocol":"tcp","published":"\#(port)","target":8080"#))
    #expect(set.networks.isEmpty)
    #expect(set.names.contains(NameRewrite(name: "notes.vpn.example.com", address: "192.0.2.10")))
  }

  @Test("Caddy as a stack shares one network with what has routes, and gets its file")
  func caddyAsStack() throws {
    let set = try Self.compile {
      $0.access.design = .caddy
      $0.access.place = .stack("caddy-hub")
      $0.stacks.append(.init("caddy-hub"))
    }
    #expect(set.networks == ["bootstead-hub"])
    #expect(set.stacks.map(\.name) == ["caddy-hub", "notes"])
    #expect(set.routes.first { $0.name == "notes" }?.upstream == "http://notes-web:8080")
    #expect(set.stacks.first?.configurations["Caddyfile"] == set.hub.caddyfile)
    #expect(set.hub.caddyfile?.contains("/root.crt") == true)
    let file = try CompilerTests.file(set)
    #expect(file.networks["bootstead-hub"]?.external == true)
    let compose = try #require(set.stacks.last).compose
    #expect(compose.contains(#""networks":{"bootstead-hub":{"aliases":["notes-web"]},"default":null}"#))
    #expect(compose.components(of: #"{"aliases""#) == 1)
    #expect(!compose.contains("127.0.0.1:2"))
  }

  @Test("what is guarded by a login asks the provider first, by Caddy and by Traefik, and nothing else does")
  func login() throws {
    let caddy = try Self.compile {
      $0.access.design = .caddy
      $0.access.login = SampleStack.login()
    }
    let text = try #require(caddy.hub.caddyfile)
    #expect(
      text.contains(
        "\tforward_auth http://auth-server:9091 {\n\t\turi /api/authz/forward-auth\n\t\tcopy_headers Remote-User Remote-Groups\n\t}\n\treverse_proxy"
      ))
    #expect(text.components(of: "forward_auth") == 1)
    #expect(caddy.routes.map(\.login) == ["https://auth.example.com", nil])
    let traefik = try #require(
      try Self.compile {
        $0.access.design = .traefik
        $0.access.login = SampleStack.login()
      }.hub.traefik)
    #expect(traefik.contains(#""middlewares":["with-vpn","login"]"#))
    #expect(
      traefik.contains(
        #""login":{"forwardAuth":{"address":"http://auth-server:9091/api/authz/forward-auth","authResponseHeaders":["Remote-User","Remote-Groups"]}}"#
      ))
    #expect(throws: StackRefusals.self) {
      try Self.compile {
        $0.access.design = .nginxProxyManager
        $0.access.login = SampleStack.login()
      }
    }
  }

  @Test("certificates by ACME over DNS")
  func acme() throws {
    let text = try #require(
      try Self.compile {
        $0.access.design = .caddy
        $0.access.certificate = .acme(email: "admin@example.com", provider: "cloudflare")
      }.hub.caddyfile)
    #expect(text.contains("\temail admin@example.com\n\tacme_dns cloudflare {env.DNS_API_TOKEN}\n"))
    #expect(!text.contains("tls internal"))
  }

  @Test("Traefik gets routers by file, closed to those outside")
  func traefik() throws {
    struct Dynamic: Decodable {
      struct HTTP: Decodable {
        struct Router: Decodable {
          var rule: String
          var service: String
          var middlewares: [String]?
        }
        var routers: [String: Router]
      }
      var http: HTTP
    }
    let set = try Self.compile {
      $0.access.design = .traefik
      $0.stacks[0].host = "wiki"
    }
    let dynamic = try JSONDecoder().decode(Dynamic.self, from: Data(try #require(set.hub.traefik).utf8))
    #expect(dynamic.http.routers["notes"]?.rule == "Host(`wiki.lan.example.com`) || Host(`wiki.vpn.example.com`)")
    #expect(dynamic.http.routers["notes"]?.middlewares == ["with-vpn"])
    #expect(dynamic.http.routers["notes-api"]?.middlewares == ["local-only"])
    let open = try Self.compile {
      $0.access.design = .traefik
      $0.stacks[0].exposure = .everywhere
    }
    let all = try JSONDecoder().decode(Dynamic.self, from: Data(try #require(open.hub.traefik).utf8))
    #expect(all.http.routers["notes"]?.middlewares == nil)
    #expect(all.http.routers["notes"]?.rule.contains("notes.example.com") == true)
  }

  @Test("a proxy on another machine reaches services on this machine's address")
  func elsewhere() throws {
    let set = try Self.compile {
      $0.access.design = .nginxProxyManager
      $0.access.place = .elsewhere(address: "192.0.2.20")
    }
    let host = try #require(set.hub.hosts?.first)
    #expect(host.domainNames == ["notes.lan.example.com", "notes.vpn.example.com"])
    #expect(host.forwardHost == "192.0.2.20")
    #expect((20000...29999).contains(host.forwardPort))
    #expect(host.allowedFrom.contains("100.64.0.0/10"))
    #expect(set.stacks.first?.compose.contains(#""host_ip":"192.0.2.20""#) == true)
  }

  @Test("a whole name gets no domain, and no proxy publishes nothing")
  func names() throws {
    let set = try Self.compile { $0.stacks[0].host = "notes.example.org" }
    #expect(set.routes.first?.names == ["notes.example.org"])
    #expect(set.hub == HubConfiguration())
    #expect(set.stacks.first?.compose.contains("host_ip") == false)
  }
}

extension String {
  func components(of text: String) -> Int { ranges(of: text).count }
}
