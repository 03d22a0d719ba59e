import FoundationEssentials
import StackCatalogue
import StackSet
import StackTemplates
import Testing

@Suite("Routes that the settings name")
struct DeclaredRouteTests {
  static let git = DeclaredRoute("git", upstream: "http://192.0.2.20:3000", exposure: .vpn)
  static let books = DeclaredRoute(
    "books", host: "library", upstream: "https://192.0.2.21", upstreamName: "books.example.com", exposure: .everywhere)

  private static func inStack(_ change: (inout StackSettings) -> Void = { _ in }) throws -> StackSet {
    try HubTests.compile {
      $0.access.design = .caddy
      $0.access.place = .stack("caddy-hub")
      $0.stacks.append(.init("caddy-hub"))
      $0.access.routes = [books, git]
      change(&$0)
    }
  }

  @Test("Caddy as a stack leads to services on other machines too, for those who may come in")
  func caddy() throws {
    let set = try Self.inStack()
    let text = try #require(set.stacks.first { $0.name == "caddy-hub" }?.configurations["Caddyfile"])
    #expect(text == set.hub.caddyfile)
    #expect(
      text.contains(
        """
        # settings: git
        git.lan.example.com, git.vpn.example.com {
        \ttls internal
        \t@outside not remote_ip 10.0.0.0/8 172.16.0.0/12 192.168.0.0/16 fc00::/7 fe80::/10 100.64.0.0/10
        \tabort @outside
        \tencode zstd gzip
        \treverse_proxy http://192.0.2.20:3000
        }

        """))
    #expect(
      text.contains(
        """
        library.lan.example.com, library.vpn.example.com, library.example.com {
        \ttls internal
        \tencode zstd gzip
        \treverse_proxy https://192.0.2.21 {
        \t\ttransport http {
        \t\t\ttls_server_name books.example.com

        """))
    #expect(text.contains("\treverse_proxy http://notes-web:8080\n"))
    #expect(set.names.contains(NameRewrite(name: "library.example.com", address: "192.0.2.10")))
    // They are no stack's.
    #expect(set.routes.map(\.name) == ["notes", "notes-api"])
  }

  @Test("Traefik checks the certificate of an upstream by the name that was given")
  func traefik() throws {
    let set = try HubTests.compile {
      $0.access.design = .traefik
      $0.access.routes = [Self.books]
    }
    let text = try #require(set.hub.traefik)
    #expect(text.contains(#""serversTransports":{"to-books":{"serverName":"books.example.com"}}"#))
    #expect(
      text.contains(
        #""books":{"loadBalancer":{"servers":[{"url":"https://192.0.2.21"}],"serversTransport":"to-books"}}"#))
    #expect(!text.contains("insecureSkipVerify"))
    #expect(set.access?.signer == .acme)
  }

  @Test("Nginx Proxy Manager's list has them with host and port")
  func list() throws {
    let set = try HubTests.compile {
      $0.access.design = .nginxProxyManager
      $0.access.routes = [Self.books]
    }
    let host = try #require(set.hub.hosts?.last)
    #expect(host.domainNames.last == "library.example.com" && host.forwardScheme == .https)
    #expect(host.forwardHost == "192.0.2.21" && host.forwardPort == 443 && host.allowedFrom == [])
    #expect(set.access?.signer == .acme)
  }

  @Test("one with the name of a stack's route takes its place, and the service stays where it can be reached")
  func instead() throws {
    let set = try Self.inStack {
      $0.access.routes = [DeclaredRoute("notes", host: "wiki", upstream: "http://notes-web:8080", exposure: .lan)]
    }
    let text = try #require(set.hub.caddyfile)
    #expect(text.components(of: "http://notes-web:8080\n") == 1)
    #expect(text.contains("\nwiki.lan.example.com {\n") && !text.contains("notes.lan.example.com"))
    #expect(set.routes.map(\.name) == ["notes-api"] && !set.names.contains { $0.name.hasPrefix("notes.") })
    #expect(set.stacks.last?.compose.contains(#""aliases":["notes-web"]"#) == true)
  }

  @Test("a login guards them by name, as it does those of stacks")
  func login() throws {
    let set = try Self.inStack { $0.access.login = SampleStack.login { $0.routes = ["git"] } }
    let sites = try #require(set.hub.caddyfile).split(separator: "\n\n")
    #expect(sites.filter { $0.contains("forward_auth") }.map { $0.contains("192.0.2.20:3000") } == [true])
  }

  struct Break: Sendable, CustomTestStringConvertible {
    var testDescription: String
    var rule: StackRuleName
    var text: String
    var change: @Sendable (inout StackSettings) -> Void
  }

  static let breaks = [
    Break(testDescription: "a name that a stack's route has", rule: .routeNameUnique, text: "notes.lan.example.com") {
      $0.access.routes = [DeclaredRoute("other", host: "notes", upstream: "http://192.0.2.20")]
    },
    Break(testDescription: "a name twice", rule: .routeNameUnique, text: "settings.access.routes.two has the name") {
      $0.access.routes = ["one", "two"].map { DeclaredRoute($0, host: "same", upstream: "http://192.0.2.20") }
    },
    Break(testDescription: "no name", rule: .routeNameUnique, text: "settings.access.routes has what is no name") {
      $0.access.routes = [DeclaredRoute("a b", host: "a", upstream: "http://192.0.2.20")]
    },
    Break(testDescription: "a host that is none", rule: .routeNameUnique, text: "settings.access.routes.a.host") {
      $0.access.routes = [DeclaredRoute("a", host: "a {", upstream: "http://192.0.2.20")]
    },
    Break(testDescription: "a zone without a domain", rule: .routeNameUnique, text: "no zone of 'lan'") {
      $0.access.lan = nil
      $0.access.routes = [DeclaredRoute("a", upstream: "http://192.0.2.20")]
    },
    Break(testDescription: "public without a domain", rule: .routeNameUnique, text: "routes.a.exposure is public") {
      $0.access.routes = [DeclaredRoute("a", upstream: "http://192.0.2.20", exposure: .everywhere)]
    },
    Break(testDescription: "no upstream", rule: .parameter, text: "settings.access.routes.a.upstream is no address") {
      $0.access.routes = [DeclaredRoute("a", upstream: "192.0.2.20:80")]
    },
    Break(testDescription: "an upstream that leads out", rule: .parameter, text: "routes.a.upstream is no address") {
      $0.access.routes = [DeclaredRoute("a", upstream: "http://a {\n}")]
    },
    Break(testDescription: "no port", rule: .parameter, text: "settings.access.routes.a.upstream is no address") {
      $0.access.routes = [DeclaredRoute("a", upstream: "http://[2001:db8::1]:70000")]
    },
    Break(testDescription: "a certificate for no name", rule: .parameter, text: "routes.a.upstreamName") {
      $0.access.routes = [DeclaredRoute("a", upstream: "https://192.0.2.20", upstreamName: "b c")]
    },
    Break(testDescription: "the proxy's own container", rule: .parameter, text: "host.docker.internal") {
      $0.access.place = .stack("caddy-hub")
      $0.access.routes = [DeclaredRoute("a", upstream: "http://127.0.0.1:8080")]
    },
    Break(testDescription: "a login before the provider", rule: .parameter, text: "the provider itself") {
      $0.access.routes = [DeclaredRoute("auth", host: "auth.example.com", upstream: "http://192.0.2.20")]
      $0.access.login = SampleStack.login { $0.routes = ["auth"] }
    },
    Break(
      testDescription: "two proxies of the machine", rule: .portPublished,
      text: "settings.access.caddy-hub and settings.access.traefik both want ports 80 and 443"
    ) { $0.access.hostDesigns = [.caddy, .traefik] },
  ]

  @Test("what breaks a rule is refused", arguments: breaks)
  func refused(_ one: Break) {
    let refusals = SampleStack.refused(SampleStack.settings(one.change))
    #expect(refusals.contains { $0.rule == one.rule && $0.text.contains(one.text) }, "\(refusals)")
  }

  @Test("a proxy among the stacks and one of the machine itself are refused")
  func twoProxies() {
    #expect {
      try Self.inStack { $0.access.hostDesigns = [.caddy] }
    } throws: {
      "\($0)".contains("port-published: settings.access.caddy-hub and the stack caddy-hub both want ports 80 and 443")
    }
  }

  @Test("addresses of upstreams", arguments: ["http://[2001:db8::1]", "https://nas.lan:8443", "http://my_host:1"])
  func addresses(_ upstream: String) throws {
    let set = try HubTests.compile {
      $0.access.design = .caddy
      $0.access.routes = [DeclaredRoute("a", upstream: upstream)]
    }
    #expect(set.hub.caddyfile?.contains("\treverse_proxy \(upstream)\n") == true)
  }

  // MARK: Where they are declared

  private func access(_ access: String, roles: String = "", settings: String = "") throws -> StackAccess {
    let text = """
      {"schema":1,"name":"node1","system":"x86_64-linux","roles":[\(roles)],"stacks":[],
       "settings":{\(settings)"access":{\(access)}}}
      """
    return try MachineStacks(Data(text.utf8), path: "machine.json").settings.access
  }

  @Test("they are read from a machine's settings")
  func read() throws {
    let read = try access(
      #"""
      "routes":{"plex":{"upstream":"http://192.0.2.20:32400","exposure":"port-forward"},
       "git":{"upstream":"https://192.0.2.20","upstreamName":"git.test","host":"code","exposure":"vpn"}}
      """#)
    #expect(
      read.routes == [
        DeclaredRoute(
          "git", host: "code", upstream: "https://192.0.2.20", upstreamName: "git.test", exposure: .vpn),
        DeclaredRoute("plex", upstream: "http://192.0.2.20:32400", exposure: .lan),
      ])
    for broken in [#""routes":{"a":{}}"#, #""routes":{"a":{"upstream":"http://a","exposure":"all"}}"#] {
      #expect(throws: CatalogueError.self) { try access(broken) }
    }
  }

  @Test("the role edge has a reverse proxy: the one that it names, or Caddy")
  func edge() throws {
    #expect(try access("", roles: #""edge""#).design == .caddy)
    let traefik = try access("", roles: #""edge""#, settings: #""roles":{"edge":{"proxy":"traefik"}},"#)
    #expect(traefik.design == .traefik && traefik.place == .host)
    #expect(try access("", settings: #""roles":{"edge":{"proxy":"traefik"}},"#).design == .none)
    #expect(try access(#""traefik":{"enable":true}"#, roles: #""edge""#).hostDesigns == [.caddy, .traefik])
  }
}
