/// Why a request got no whole answer. Each says which server it was.
public enum HTTPClientError: Error, Sendable, CustomStringConvertible {
  case malformedURL(String)
  case malformedRequest(String)
  case connectFailed(HTTPEndpoint, reason: String)
  case connectTimeout(HTTPEndpoint)
  /// Nothing was read or written for as long as the limit allows.
  case idleTimeout(HTTPEndpoint)
  /// The connection ended before the answer did.
  case closedEarly(HTTPEndpoint)
  case malformedResponse(HTTPEndpoint, reason: String)
  /// The body has more bytes than the caller wants to hold.
  case bodyTooLarge(HTTPEndpoint, limit: Int)
  /// The sequence that gives the request's body threw.
  case requestBodyFailed(reason: String)
  case cancelled

  public var description: String {
    switch self {
    case .malformedURL(let url):
      "'\(url.prefix(128))' is not the address of a server; write it like http://192.0.2.1:8080, without a name"
    case .malformedRequest(let reason): "the request can not be sent: \(reason)"
    case .connectFailed(let endpoint, let reason): "no connection to \(endpoint): \(reason)"
    case .connectTimeout(let endpoint): "no connection to \(endpoint): no answer in time"
    case .idleTimeout(let endpoint): "\(endpoint) fell silent in the middle of an exchange"
    case .closedEarly(let endpoint): "\(endpoint) closed the connection before its answer was whole"
    case .malformedResponse(let endpoint, let reason): "\(endpoint) answered with something else than HTTP: \(reason)"
    case .bodyTooLarge(let endpoint, let limit): "the answer of \(endpoint) has more than \(limit) bytes"
    case .requestBodyFailed(let reason): "the body of the request could not be read: \(reason)"
    case .cancelled: "the request was cancelled"
    }
  }
}
