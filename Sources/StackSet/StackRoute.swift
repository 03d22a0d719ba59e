/// From where a service is reached.
public enum StackExposure: String, Codable, Hashable, Sendable, CaseIterable {
  case lan, vpn
  case everywhere = "public"
}

/// Names that lead to a service through the reverse proxy.
public struct StackRoute: Codable, Hashable, Sendable {
  public enum Scheme: String, Codable, Hashable, Sendable { case http, https }

  /// Unique on the machine.
  public var name: String
  public var stack: String
  public var service: String
  /// The service's own port, in its container.
  public var port: Int
  public var scheme: Scheme
  public var exposure: StackExposure
  /// The full names, nearest zone first. Empty where no zone has a domain and there is no reverse proxy.
  public var names: [String]
  /// Where the service answers, as the reverse proxy reaches it: `http://photos-server:2283`.
  public var upstream: String
  /// The identity provider that whoever has no session is sent to first, as `https://auth.example.com`.
  public var login: String?

  public init(
    name: String, stack: String, service: String, port: Int, scheme: Scheme, exposure: StackExposure, names: [String],
    upstream: String, login: String? = nil
  ) {
    (self.name, self.stack, self.service, self.port) = (name, stack, service, port)
    (self.scheme, self.exposure, self.names) = (scheme, exposure, names)
    (self.upstream, self.login) = (upstream, login)
  }
}

/// How to see that a service is at work.
public struct StackMonitor: Codable, Hashable, Sendable {
  public enum Kind: String, Codable, Hashable, Sendable, CaseIterable { case http, tcp, exec }

  public var stack: String
  public var service: String
  public var type: Kind
  /// The service's own port; with `http` and `tcp`.
  public var port: Int?
  /// With `http`.
  public var path: String?
  /// The answer's status; with `http`.
  public var status: Int?
  /// With `exec`: run in the service's container, good when it ends with 0.
  public var command: [String]?

  public init(
    stack: String, service: String, type: Kind, port: Int?, path: String?, status: Int?, command: [String]?
  ) {
    (self.stack, self.service, self.type) = (stack, service, type)
    (self.port, self.path, self.status, self.command) = (port, path, status, command)
  }
}
