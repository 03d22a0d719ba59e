/// The fields of an answer's head.
public struct ClientHeaders: Sendable {
  public let all: [(name: String, value: String)]

  /// The first value of the field with this name, in any case.
  public subscript(name: String) -> String? {
    let wanted = name.lowercased()
    return all.first { $0.name.lowercased() == wanted }?.value
  }
}

/// The head of an answer, and its body still on the way.
public struct ClientResponse: Sendable {
  public let status: Int
  public let headers: ClientHeaders
  /// Read it to its end and the connection is used again; drop it and the connection is closed.
  public let body: ClientResponseBody
}

/// A whole answer.
public struct CollectedResponse: Sendable {
  public let status: Int
  public let headers: ClientHeaders
  public let body: [UInt8]
}

/// The body of an answer as it arrives. Nothing is read from the socket that nobody asked for; it can be read once.
public struct ClientResponseBody: AsyncSequence, Sendable {
  public typealias Element = [UInt8]
  public typealias Failure = HTTPClientError

  let exchange: Exchange

  public func makeAsyncIterator() -> AsyncIterator { AsyncIterator(exchange: exchange) }

  public struct AsyncIterator: AsyncIteratorProtocol {
    let exchange: Exchange

    public mutating func next() async throws(HTTPClientError) -> [UInt8]? { try await exchange.nextBodyPart() }

    public mutating func next(
      isolation actor: isolated (any Actor)?
    ) async throws(HTTPClientError) -> [UInt8]? { try await exchange.nextBodyPart() }
  }

  /// All of the rest.
  /// - Throws: ``HTTPClientError/bodyTooLarge(_:limit:)`` as soon as there are more than `limit` bytes.
  public func collect(limit: Int) async throws(HTTPClientError) -> [UInt8] {
    var result: [UInt8] = []
    while let part = try await exchange.nextBodyPart() {
      guard part.count <= limit - result.count else {
        exchange.abandon()
        throw .bodyTooLarge(exchange.connection.endpoint, limit: limit)
      }
      result += part
    }
    return result
  }
}
