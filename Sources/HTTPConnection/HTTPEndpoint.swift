import NIOCore

/// Where a server listens: an address and a port, or a Unix domain socket. Never a name: a static executable has no
/// resolver.
public enum HTTPEndpoint: Sendable, Hashable, CustomStringConvertible {
  /// `address` is an IPv4 or IPv6 literal.
  case tcp(address: String, port: Int)
  case unixSocket(path: String)

  /// Parses `http://192.0.2.1:8080` or `http://[2001:db8::1]:8080`; without a port it is 80. A trailing slash is
  /// allowed, a path is not.
  /// - Throws: ``HTTPClientError/malformedURL(_:)``.
  public init(url: String) throws(HTTPClientError) {
    guard url.utf8.count <= 256, url.hasPrefix("http://") else { throw .malformedURL(url) }
    var rest = url.dropFirst("http://".count)
    if rest.hasSuffix("/") { rest = rest.dropLast() }
    var address = rest
    var port = 80
    if let colon = rest.lastIndex(of: ":"), rest[colon...].firstIndex(of: "]") == nil {
      let digits = rest[rest.index(after: colon)...]
      guard let number = UInt16(digits), number > 0, digits.utf8.allSatisfy({ (48...57).contains($0) }) else {
        throw .malformedURL(url)
      }
      port = Int(number)
      address = rest[..<colon]
    }
    if address.hasPrefix("["), address.hasSuffix("]") {
      address = address.dropFirst().dropLast()
      guard address.contains(":") else { throw .malformedURL(url) }
    } else if address.contains(":") {
      throw .malformedURL(url)
    }
    guard (try? SocketAddress(ipAddress: String(address), port: port)) != nil else { throw .malformedURL(url) }
    self = .tcp(address: String(address), port: port)
  }

  public var description: String {
    switch self {
    case .tcp: "http://" + authority
    case .unixSocket(let path): "unix:" + path
    }
  }

  /// The value of the `Host` header.
  var authority: String {
    switch self {
    case .tcp(let address, let port): (address.contains(":") ? "[\(address)]" : address) + ":\(port)"
    case .unixSocket: "localhost"
    }
  }

  var socketAddress: SocketAddress {
    get throws {
      switch self {
      case .tcp(let address, let port): try SocketAddress(ipAddress: address, port: port)
      case .unixSocket(let path): try SocketAddress(unixDomainSocketPath: path)
      }
    }
  }
}
