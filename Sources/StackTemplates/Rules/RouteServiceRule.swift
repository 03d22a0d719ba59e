import StackSet

/// A route leads to a service that is there, at a port that nothing says is another; monitors too.
struct RouteServiceRule: TemplateRule {
  func check(_ template: StackTemplate, log: RefusalLog) {
    let names = Set(template.compose.services.map(\.name))
    var routes: Set<String> = []
    for route in template.description.routes {
      if !names.contains(route.service) {
        log.refuse(
          .routeService, route.line, "x-bootstead.routes: there is no service '\(route.service)'; correct the name")
      } else {
        check(port: route.port, of: route.service, "x-bootstead.routes", route.line, template, log)
      }
      if !routes.insert(route.name).inserted {
        log.refuse(.routeNameUnique, route.line, "two routes are called '\(route.name)'; name one otherwise")
      }
    }
    for monitor in template.description.monitors {
      if !names.contains(monitor.service) {
        log.refuse(
          .routeService, monitor.line, "x-bootstead.monitor: there is no service '\(monitor.service)'; correct the name"
        )
      } else if let port = monitor.port {
        check(port: port, of: monitor.service, "x-bootstead.monitor", monitor.line, template, log)
      }
    }
  }

  /// A service that lists its ports by `expose` or `ports` has to have the port among them.
  private func check(
    port: Int, of name: String, _ path: String, _ line: Int, _ template: StackTemplate, _ log: RefusalLog
  ) {
    guard let service = template.compose.service(name) else { return }
    if service.networkMode?.text == "none" {
      log.refuse(.routeService, line, "\(path): the service '\(name)' has no network; remove network_mode: none")
    }
    let exposed = (service.node["expose"]?.sequence ?? []).compactMap(\.scalarText)
    guard !exposed.isEmpty else { return }
    let targets = service.ports.map(\.target)
    let listed = (exposed + targets).map { String($0.prefix { $0 != "/" }) }
    if listed.contains(where: { Int($0) == nil }) { return }
    if !listed.contains(String(port)) {
      log.refuse(
        .routeService, line,
        "\(path): the service '\(name)' exposes \(listed.joined(separator: ", ")) and not \(port); correct one of them")
    }
  }
}
