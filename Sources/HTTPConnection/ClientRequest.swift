/// A request to one endpoint. `Host`, `Content-Length` and `Transfer-Encoding` are set by the client.
public struct ClientRequest: Sendable {
  public enum Body: Sendable {
    case none
    case bytes([UInt8])
    /// Chunked where the length is not known. A length that the sequence does not keep is an error.
    case stream(length: Int?, any AsyncSequence<[UInt8], any Error> & Sendable)
  }

  /// In upper case.
  public var method: String
  /// With the query: `/machines?state=active`.
  public var path: String
  public var headers: [(name: String, value: String)]
  public var body: Body

  public init(
    method: String = "GET", path: String, headers: [(name: String, value: String)] = [], body: Body = .none
  ) {
    self.method = method
    self.path = path
    self.headers = headers
    self.body = body
  }
}
