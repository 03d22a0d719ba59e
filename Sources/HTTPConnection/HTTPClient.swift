import NIOHTTP1

/// A small HTTP/1.1 client for one server: connections are kept and used again, any number of requests may be under way
/// at once (each on a connection of its own), bodies are streamed in both directions with back-pressure.
public final class HTTPClient: Sendable {
  public let endpoint: HTTPEndpoint
  private let limits: HTTPClientLimits
  private let pool: ConnectionPool

  public init(endpoint: HTTPEndpoint, limits: HTTPClientLimits = HTTPClientLimits()) {
    self.endpoint = endpoint
    self.limits = limits
    pool = ConnectionPool(limit: limits.maxIdleConnections)
  }

  /// Sends the request and returns at the head of the answer, whatever its status; redirects are not followed.
  ///
  /// A kept connection that the server had closed meanwhile is replaced once, for methods that may be repeated
  /// (RFC 9110, 9.2.2).
  public func send(_ request: ClientRequest) async throws(HTTPClientError) -> ClientResponse {
    try check(request)
    if let kept = pool.take() {
      do {
        return try await exchange(request, on: kept)
      } catch {
        guard case .closedEarly = error, isRepeatable(request) else { throw error }
      }
    }
    let connection = try await Connection.open(to: endpoint, limits: limits)
    connection.becomeBusy()
    return try await exchange(request, on: connection)
  }

  /// Sends the request and waits for the whole answer.
  /// - Parameter limit: the most bytes that the body may have.
  public func collect(
    _ request: ClientRequest, limit: Int = 4 << 20
  ) async throws(HTTPClientError) -> CollectedResponse {
    let response = try await send(request)
    return CollectedResponse(
      status: response.status, headers: response.headers, body: try await response.body.collect(limit: limit))
  }

  /// Closes the kept connections. Requests under way go on.
  public func close() { pool.close() }

  private func exchange(
    _ request: ClientRequest, on connection: Connection
  ) async throws(HTTPClientError) -> ClientResponse {
    let exchange = Exchange(connection: connection, pool: pool)
    do {
      try await exchange.send(request)
    } catch {
      guard case .closedEarly = error else { throw error }
      // A server may answer, with 413 say, and close before it has taken the whole request: read what it said.
    }
    let head = try await exchange.head()
    return ClientResponse(
      status: Int(head.status.code), headers: ClientHeaders(all: head.headers.map { ($0.name, $0.value) }),
      body: ClientResponseBody(exchange: exchange))
  }

  private func isRepeatable(_ request: ClientRequest) -> Bool {
    if case .stream = request.body { return false }
    return ["GET", "HEAD", "PUT", "DELETE"].contains(request.method)
  }

  private func check(_ request: ClientRequest) throws(HTTPClientError) {
    guard !request.method.isEmpty, request.method.utf8.allSatisfy({ (65...90).contains($0) }) else {
      throw .malformedRequest("'\(request.method.prefix(32))' is not a method")
    }
    guard request.path.hasPrefix("/"), request.path.utf8.allSatisfy({ (33...126).contains($0) }) else {
      throw .malformedRequest("'\(request.path.prefix(128))' is not a path")
    }
    for (name, value) in request.headers {
      guard !name.isEmpty, name.utf8.allSatisfy({ (33...126).contains($0) && $0 != 58 }),
        value.utf8.allSatisfy({ $0 >= 32 && $0 != 127 || $0 == 9 })
      else { throw .malformedRequest("the header '\(name.prefix(64))' holds a character that can not be sent") }
    }
  }
}
