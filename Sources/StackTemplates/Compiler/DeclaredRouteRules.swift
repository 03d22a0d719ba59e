import StackSet

/// The settings' own routes go into the reverse proxy's configuration, and into DNS, so they are nothing else; and each
/// leads somewhere.
struct DeclaredRouteRules {
  let access: StackAccess
  let log: RefusalLog

  func check(_ route: DeclaredRoute) {
    guard StackName.isValid(route.name) else {
      // The name itself may be anything.
      log.refuse(.routeNameUnique, 0, "settings.access.routes has what is no name; use a-z, 0-9 and inner hyphens")
      return
    }
    if !HostName.isValid(route.host) {
      log.refuse(.routeNameUnique, 0, "\(route.path).host is no name; write photos, or photos.example.com")
    }
    if let name = route.upstreamName, !HostName.isValid(name) || name.hasPrefix("*") {
      log.refuse(.parameter, 0, "\(route.path).upstreamName is no name; write it as photos.example.com")
    }
    if let upstream = UpstreamAddress(route.upstream) {
      if case .stack(let hub) = access.place, upstream.isLoopback {
        log.refuse(
          .parameter, 0,
          "\(route.path).upstream: 127.0.0.1 is the container of the stack '\(hub)' itself; for a service of this machine write http://host.docker.internal:PORT, and have it listen there"
        )
      }
    } else {
      log.refuse(.parameter, 0, "\(route.path).upstream is no address; write it as http://192.0.2.20:8080")
    }
    if access.names(route).isEmpty {
      log.refuse(
        .routeNameUnique, 0,
        "\(route.path): no zone of '\(route.exposure.rawValue)' has a domain; set settings.access.zones, or host to a whole name"
      )
    } else if route.exposure == .everywhere, access.everywhere == nil, !route.host.contains(".") {
      log.refuse(
        .routeNameUnique, 0,
        "\(route.path).exposure is public, and settings.access.zones.public has no domain; set it, or exposure")
    }
  }
}
