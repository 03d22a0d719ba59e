import StackSet

/// Which names lead where, and how the reverse proxy reaches each service.
struct RoutePlan {
  static let hubNetwork = "bootstead-hub"
  /// Ports of the machine that services are published on for a proxy outside of the stacks' networks.
  static let ports = 20000...29999

  /// By stack; also those whose place a route of the settings takes.
  let routes: [String: [StackRoute]]
  /// Published ports by stack and service: the container's, and the machine's with its address.
  let published: [String: [String: [(target: Int, address: String, port: Int)]]]
  /// Networks that are there before all stacks.
  let networks: [String]
  /// Names of the settings' own routes.
  private let declared: Set<String>

  init(settings: StackSettings, instances: [SelectedStack], log: RefusalLog) {
    let access = settings.access
    declared = Set(access.routes.map(\.name))
    var routes: [String: [StackRoute]] = [:]
    var published: [String: [String: [(target: Int, address: String, port: Int)]]] = [:]
    var taken = Set(instances.flatMap { $0.template.description.ports.map(\.port) })
    for selected in instances.sorted(by: { $0.name < $1.name }) {
      let compose = selected.template.compose
      for (index, route) in selected.template.description.routes.enumerated() {
        let exposure = selected.instance.exposure ?? route.exposure
        let name = selected.ownName(route.name)
        let host = (index == 0 ? selected.instance.host : nil) ?? name
        let names = access.names(host: host, exposure: exposure)
        // The service whose network has the port.
        let service = compose.service(route.service)?.networkOwner ?? route.service
        let isOnHost = compose.service(service)?.usesHostNetwork == true
        let upstream: String
        switch access.place {
        case .stack(let hub) where hub == selected.name && route.service == service && !isOnHost:
          upstream = "\(route.scheme.rawValue)://\(service):\(route.port)"
        case .stack:
          upstream =
            isOnHost
            ? "\(route.scheme.rawValue)://host.docker.internal:\(route.port)"
            : "\(route.scheme.rawValue)://\(Self.alias(selected.name, service)):\(route.port)"
        case .host where isOnHost: upstream = "\(route.scheme.rawValue)://127.0.0.1:\(route.port)"
        case .elsewhere(let address) where isOnHost:
          upstream = "\(route.scheme.rawValue)://\(Self.literal(address)):\(route.port)"
        case .host, .elsewhere:
          var address = "127.0.0.1"
          if case .elsewhere(let other) = access.place { address = other }
          let known = published[selected.name]?[service]?.first { $0.target == route.port }
          let port = known?.port ?? Self.port(for: "\(selected.name)/\(service)/\(route.port)", taken: &taken)
          if known == nil {
            published[selected.name, default: [:]][service, default: []].append((route.port, address, port))
          }
          upstream = "\(route.scheme.rawValue)://\(Self.literal(address)):\(port)"
        }
        if declared.contains(name) {
          // The settings' own route says how it is reached.
        } else if names.isEmpty, access.design != .none {
          log.refuse(
            .routeNameUnique, 0,
            "stacks: the route '\(name)' has no name, as no zone of '\(exposure.rawValue)' has a domain; set settings.access.zones, or \(selected.path).host to a whole name"
          )
        } else if exposure == .everywhere, access.everywhere == nil, !host.contains("."), access.design != .none {
          log.refuse(
            .routeNameUnique, 0,
            "stacks: the route '\(name)' is public, and settings.access.zones.public has no domain; set it, or \(selected.path).exposure"
          )
        }
        routes[selected.name, default: []].append(
          StackRoute(
            name: name, stack: selected.name, service: route.service, port: route.port, scheme: route.scheme,
            exposure: exposure, names: names, upstream: upstream,
            login: access.login.flatMap { $0.routes.contains(name) ? $0.provider : nil }))
      }
    }
    self.routes = routes
    if access.design == .none {
      self.published = [:]
    } else {
      self.published = published
    }
    if case .stack = access.place { networks = [Self.hubNetwork] } else { networks = [] }
  }

  /// The routes of a stack that lead to it.
  func leading(to stack: String) -> [StackRoute] { (routes[stack] ?? []).filter { !declared.contains($0.name) } }

  /// How other stacks call a service on the proxy's network.
  static func alias(_ stack: String, _ service: String) -> String { stack + "-" + service }

  private static func literal(_ address: String) -> String { address.contains(":") ? "[\(address)]" : address }

  /// The same for the same text, as long as nothing else has it (FNV-1a).
  private static func port(for text: String, taken: inout Set<Int>) -> Int {
    var hash: UInt64 = 0xcbf2_9ce4_8422_2325
    for byte in text.utf8 { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
    var port = ports.lowerBound + Int(hash % UInt64(ports.count))
    while !taken.insert(port).inserted { port = port == ports.upperBound ? ports.lowerBound : port + 1 }
    return port
  }
}
