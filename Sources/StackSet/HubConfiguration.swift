/// What the machine's reverse proxy is told, in the form of its kind.
public struct HubConfiguration: Codable, Hashable, Sendable {
  public enum Design: String, Codable, Hashable, Sendable, CaseIterable {
    case none
    case caddy = "caddy-hub"
    case traefik
    case nginxProxyManager = "nginx-proxy-manager"
  }

  /// One entry for Nginx Proxy Manager.
  public struct ProxyHost: Codable, Hashable, Sendable {
    public var domainNames: [String]
    public var forwardScheme: StackRoute.Scheme
    public var forwardHost: String
    public var forwardPort: Int
    public var isSSLForced: Bool
    /// Networks that may come in; empty: everybody.
    public var allowedFrom: [String]

    public init(
      domainNames: [String], forwardScheme: StackRoute.Scheme, forwardHost: String, forwardPort: Int,
      isSSLForced: Bool, allowedFrom: [String]
    ) {
      (self.domainNames, self.forwardScheme, self.forwardHost) = (domainNames, forwardScheme, forwardHost)
      (self.forwardPort, self.isSSLForced, self.allowedFrom) = (forwardPort, isSSLForced, allowedFrom)
    }
  }

  public var design: Design
  /// With `caddy-hub`.
  public var caddyfile: String?
  /// With `traefik`: the dynamic configuration as JSON, which its file provider reads as YAML.
  public var traefik: String?
  /// With `nginx-proxy-manager`.
  public var hosts: [ProxyHost]?

  public init(
    design: Design = .none, caddyfile: String? = nil, traefik: String? = nil, hosts: [ProxyHost]? = nil
  ) {
    (self.design, self.caddyfile, self.traefik, self.hosts) = (design, caddyfile, traefik, hosts)
  }
}
