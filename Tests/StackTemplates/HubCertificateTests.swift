import StackCatalogue
import StackSet
import StackTemplates
import Testing

@Suite("Caddy's stack with certificates by ACME")
struct HubCertificateTests {
  private func compile(_ change: (inout StackSettings) -> Void) throws -> StackSet {
    let template = try TemplateCatalogue(root: CatalogueTests.root).template("caddy-hub")
    var settings = StackSettings(machine: "node1")
    settings.stacks = [.init("caddy-hub")]
    settings.access.design = .caddy
    settings.access.place = .stack("caddy-hub")
    settings.access.everywhere = "example.com"
    settings.access.proxyAddress = "192.0.2.10"
    settings.access.nameServers = ["192.0.2.53"]
    change(&settings)
    return try StackCompiler(settings: settings, templates: [template], digest: SampleStack.fold).compile()
  }

  @Test("Without ACME neither image nor token is needed, and tests of the names know the authority")
  func authority() throws {
    let set = try compile { _ in }
    #expect(set.stacks.first?.secrets == [])
    #expect(
      set.access == AccessExpectation(address: "192.0.2.10", nameServers: ["192.0.2.53"], signer: .authority))
    #expect(try StackSet(try set.encoded()) == set)
  }

  @Test("With an image that has the provider and a token, the file names both, and the token is no part of it")
  func acme() throws {
    let set = try compile {
      $0.access.certificate = .acme(email: "admin@example.com", provider: "cloudflare")
      $0.stacks[0].images["caddy"] = "registry.example.com/caddy-cloudflare:2.11.4"
      $0.stacks[0].secrets["DNS_API_TOKEN"] = "secret:dns-token"
    }
    let stack = try #require(set.stacks.first)
    #expect(stack.secrets.map(\.reference) == ["secret:dns-token"])
    #expect(stack.secrets.map(\.delivery) == [.environment])
    #expect(stack.compose.contains("registry.example.com/caddy-cloudflare:2.11.4"))
    #expect(stack.configurations["Caddyfile"]?.contains("\tacme_dns cloudflare {env.DNS_API_TOKEN}\n") == true)
    #expect(set.access?.signer == .acme)
  }

  @Test("Caddy's own image, or no token, is refused: the proxy would not start")
  func refused() throws {
    for (image, secret, rule) in [
      (nil, "secret:dns-token", StackRuleName.imagePinned),
      ("registry.example.com/caddy-cloudflare:2.11.4", nil, .secretUndeclared),
    ] {
      do {
        _ = try compile {
          $0.access.certificate = .acme(email: "admin@example.com", provider: "cloudflare")
          $0.stacks[0].images["caddy"] = image
          $0.stacks[0].secrets["DNS_API_TOKEN"] = secret
        }
        Issue.record("it was compiled")
      } catch let refusals as StackRefusals {
        #expect(refusals.all.map(\.rule) == [rule], "\(refusals)")
      }
    }
  }

  @Test("A name server that is no address is refused")
  func nameServer() throws {
    #expect(throws: StackRefusals.self) { try compile { $0.access.nameServers = ["dns.example.com"] } }
  }
}
