import StackSet

/// Names, networks and addresses go into the reverse proxy's configuration, so they are nothing else.
struct AccessRules {
  let settings: StackSettings
  let instances: [SelectedStack]
  let log: RefusalLog

  func check() {
    let access = settings.access
    for (name, domain) in [("lan", access.lan), ("vpn", access.vpn), ("public", access.everywhere)] {
      guard let domain, !HostName.isValid(domain) || domain.hasPrefix("*") else { continue }
      log.refuse(
        .routeNameUnique, 0, "settings.access.zones.\(name) is no domain; write it in lower case, as lan.example.com")
    }
    for selected in instances {
      guard let host = selected.instance.host, !HostName.isValid(host) else { continue }
      log.refuse(.routeNameUnique, 0, "\(selected.path).host is no name; write photos, or photos.example.com")
    }
    for (name, networks) in [("localNetworks", access.localNetworks), ("vpnNetworks", access.vpnNetworks)] {
      for network in networks where !Self.isNetwork(network) {
        log.refuse(.parameter, 0, "settings.access.\(name) has what is no network; write it as 192.0.2.0/24")
      }
      if networks.isEmpty {
        log.refuse(.parameter, 0, "settings.access.\(name) is empty, which would let everybody in; name a network")
      }
    }
    if let address = access.proxyAddress, !Self.isAddress(address) {
      log.refuse(.parameter, 0, "settings.access.proxyAddress is no address; write it as 192.0.2.10")
    }
    for address in access.nameServers where !Self.isAddress(address) {
      log.refuse(.parameter, 0, "settings.access.split-dns.nameServers has what is no address; write 192.0.2.11")
    }
    proxies()
    let routes = DeclaredRouteRules(access: access, log: log)
    for route in access.routes { routes.check(route) }
    if let login = access.login { LoginRules(access: access, instances: instances, log: log).check(login) }
    guard case .acme(let email, let provider) = access.certificate else { return }
    checkModule(provider)
    if !email.contains("@") || email.contains(where: { $0.isWhitespace || "{}\"`#".contains($0) }) {
      log.refuse(.parameter, 0, "settings.access.certificate.email is no address; write it as admin@example.com")
    }
    if !StackName.isValid(provider) {
      log.refuse(
        .parameter, 0, "settings.access.certificate.dnsProvider is no provider's name; write such as cloudflare")
    }
  }

  /// Ports 80 and 443 of the machine are one proxy's, be it a stack or a program of the machine itself.
  private func proxies() {
    let stacks = instances.filter { HubConfiguration.Design(rawValue: $0.template.name) != nil }
    let all =
      settings.access.hostDesigns.map { "settings.access.\($0.rawValue)" } + stacks.map { "the stack \($0.name)" }
    if all.count > 1 {
      log.refuse(.portPublished, 0, "\(all.joined(separator: " and ")) both want ports 80 and 443; keep one of them")
    }
  }

  /// Caddy's own image has no module for any DNS provider, and would not start with such a configuration.
  private func checkModule(_ provider: String) {
    guard settings.access.design == .caddy, case .stack(let hub) = settings.access.place,
      let selected = instances.first(where: { $0.name == hub })
    else { return }
    for service in selected.template.compose.services where selected.instance.images[service.name] == nil {
      log.refuse(
        .imagePinned, 0,
        "\(selected.path).images.\(service.name) is missing: Caddy's own image has no module for the DNS provider '\(provider)'; build one as docs/access.md says and name it there, or use the stack traefik"
      )
    }
    for secret in selected.template.description.secrets
    where secret.name == HubRenderer.tokenVariable && selected.instance.secrets[secret.name] == nil {
      log.refuse(
        .secretUndeclared, 0,
        "\(selected.path).secrets.\(secret.name) is missing: \(secret.description); set it to \"secret:NAME\"")
    }
  }

  static func isAddress(_ text: String) -> Bool {
    !text.isEmpty && text.utf8.count <= 45
      && text.allSatisfy { $0.isASCII && ($0.isHexDigit || $0 == "." || $0 == ":") }
      && text.contains { $0 == "." || $0 == ":" }
  }

  static func isNetwork(_ text: String) -> Bool {
    let parts = text.split(separator: "/", omittingEmptySubsequences: false)
    guard parts.count == 2, let length = Int(parts[1]), (0...128).contains(length) else { return false }
    return isAddress(String(parts[0]))
  }
}
