import StackSet

/// A route as it is tried: a stack's, or one that the settings name.
struct TriedRoute: Sendable {
  /// What answers on this machine, where it is a stack.
  struct Service: Sendable {
    var stack: String
    var name: String
    var port: Int
  }

  var name: String
  var names: [String]
  var exposure: StackExposure
  var upstream: String
  var login: String?
  var service: Service?

  init(_ route: StackRoute) {
    (name, names, exposure) = (route.name, route.names, route.exposure)
    (upstream, login) = (route.upstream, route.login)
    service = Service(stack: route.stack, name: route.service, port: route.port)
  }

  init(_ route: AccessList.Route) {
    (name, names, exposure) = (route.name, route.names, route.exposure)
    (upstream, login) = (route.upstream, route.login)
  }

  /// What to do where the service does not answer.
  var advice: String {
    service.map { "look at the service: bootstead-agent stacks logs \($0.stack)" }
      ?? "look at the service at \(upstream), and whether this machine reaches it"
  }
}
