import StackSet

/// What guards routes goes into the reverse proxy's configuration, so it is nothing else; and it guards what there is.
struct LoginRules {
  let access: StackAccess
  let instances: [SelectedStack]
  let log: RefusalLog

  func check(_ login: StackAccess.Login) {
    if access.design == .nginxProxyManager {
      refuse("", "is of Caddy and Traefik; enter it on Nginx Proxy Manager's own page, and leave it out here")
    }
    let host = login.provider.hasPrefix("https://") ? String(login.provider.dropFirst("https://".count)) : ""
    if !HostName.isValid(host) || host.hasPrefix("*") {
      refuse(".provider", "is no address of a provider; write it as https://auth.example.com")
    }
    let scheme = ["http://", "https://"].first { login.address.hasPrefix($0) } ?? ""
    let authority = login.address.dropFirst(scheme.count)
    if scheme.isEmpty || authority.isEmpty || !authority.allSatisfy({ $0.isLetterOrDigit || ".:-_[]".contains($0) }) {
      refuse(".address", "is no address; write it as http://auth-server:9000")
    }
    if !login.path.hasPrefix("/") || !login.path.allSatisfy({ $0.isLetterOrDigit || "/.-_?=&%".contains($0) }) {
      refuse(".path", "is no path; write it as /api/authz/forward-auth")
    }
    if login.headers.contains(where: { $0.isEmpty || !$0.allSatisfy { $0.isLetterOrDigit || $0 == "-" } }) {
      refuse(".headers", "has what is no header's name; write such as Remote-User")
    }
    let declared = Set(access.routes.map(\.name))
    let known = declared.union(
      instances.flatMap { selected in selected.template.description.routes.map { selected.ownName($0.name) } })
    for route in login.routes where !known.contains(route) {
      refuse(".routes", "has '\(route)', which is no route; known are \(known.sorted().joined(separator: ", "))")
    }
    for route in access.routes where login.routes.contains(route.name) && access.names(route).contains(host) {
      refuse(".routes", "has '\(route.name)', the provider itself, which nobody could reach then; take it out")
    }
    for selected in instances {
      for (index, route) in selected.template.description.routes.enumerated() {
        let name = selected.ownName(route.name)
        let ownHost = (index == 0 ? selected.instance.host : nil) ?? name
        let names = access.names(host: ownHost, exposure: selected.instance.exposure ?? route.exposure)
        if login.routes.contains(name), !declared.contains(name), names.contains(host) {
          refuse(".routes", "has '\(name)', the provider itself, which nobody could reach then; take it out")
        }
      }
    }
  }

  private func refuse(_ field: String, _ text: String) {
    log.refuse(.parameter, 0, "settings.access.login\(field) \(text)")
  }
}

extension Character {
  fileprivate var isLetterOrDigit: Bool { isASCII && (isLetter || isNumber) }
}
