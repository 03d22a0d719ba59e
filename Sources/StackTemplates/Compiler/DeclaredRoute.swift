import StackSet

/// A route that the machine's settings name themselves, beside those of its stacks: mostly to a service elsewhere. One
/// with the name of a stack's route takes that route's place.
public struct DeclaredRoute: Hashable, Sendable {
  public var name: String
  /// The first part of its names, or a whole name.
  public var host: String
  /// Where the service answers, as the reverse proxy reaches it: `http://192.0.2.20:8080`.
  public var upstream: String
  /// The name in the certificate of an upstream that speaks https; nil: that of its address.
  public var upstreamName: String?
  public var exposure: StackExposure

  public init(
    _ name: String, host: String? = nil, upstream: String, upstreamName: String? = nil, exposure: StackExposure = .lan
  ) {
    (self.name, self.host, self.upstream) = (name, host ?? name, upstream)
    (self.upstreamName, self.exposure) = (upstreamName, exposure)
  }

  /// How the setting is called in refusals.
  var path: String { "settings.access.routes.\(name)" }
}

/// The parts of an upstream.
struct UpstreamAddress {
  let scheme: StackRoute.Scheme
  /// A name or an address; IPv6 in brackets.
  let host: String
  let port: Int

  /// - Returns: nil for what is not `http://HOST`, `https://HOST`, or either with `:PORT`.
  init?(_ text: String) {
    guard let separator = text.firstRange(of: "://"),
      let scheme = StackRoute.Scheme(rawValue: String(text[..<separator.lowerBound]))
    else { return nil }
    let authority = text[separator.upperBound...]
    var host = authority
    var port: Int? = scheme == .https ? 443 : 80
    if let colon = authority.lastIndex(of: ":"), authority.last != "]" {
      host = authority[..<colon]
      port = Int(authority[authority.index(after: colon)...])
    }
    guard let port, (1...65535).contains(port), Self.isHost(String(host)) else { return nil }
    (self.scheme, self.host, self.port) = (scheme, String(host), port)
  }

  /// Whether it is whoever asks.
  var isLoopback: Bool { host == "localhost" || host.hasPrefix("127.") || host == "[::1]" }

  private static func isHost(_ text: String) -> Bool {
    if text.hasPrefix("["), text.hasSuffix("]") {
      let address = String(text.dropFirst().dropLast())
      return address.contains(":") && AccessRules.isAddress(address)
    }
    return !text.isEmpty && text.utf8.count <= 253
      && text.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || ".-_".contains($0)) }
  }
}
