import HTTPConnection

/// The appliance's binary cache, by HTTP.
public struct HTTPCacheSource: CacheSource {
  private let client: HTTPClient
  /// Without a trailing slash: `/cache`.
  private let path: String

  public init(client: HTTPClient, path: String) {
    self.client = client
    self.path = path.hasSuffix("/") ? String(path.dropLast()) : path
  }

  /// An answer that the cache protocol does not know; the download is tried again.
  struct UnexpectedAnswer: Error, CustomStringConvertible {
    var path: String
    var description: String
  }

  public func narInfo(hashPart: String) async throws -> [UInt8]? {
    let path = "\(path)/\(hashPart).narinfo"
    let answer = try await answered { () throws(HTTPClientError) in
      try await client.collect(ClientRequest(path: path), limit: 1 << 20)
    }
    switch answer.status {
    case 200: return answer.body
    case 404: return nil
    default: throw UnexpectedAnswer(path: path, description: "\(path): status \(answer.status)")
    }
  }

  public func nar(url: String, from offset: UInt64) async throws -> any AsyncSequence<[UInt8], any Error> {
    let path = "\(path)/\(url)"
    let range: [(String, String)] = offset > 0 ? [("range", "bytes=\(offset)-")] : []
    let answer = try await answered { () throws(HTTPClientError) in
      try await client.send(ClientRequest(path: path, headers: range))
    }
    switch answer.status {
    case 206 where offset > 0 && answer.headers["content-range"]?.hasPrefix("bytes \(offset)-") == true:
      return BodyRest(body: answer.body, skipped: 0)
    // A server that knows no ranges sends the file from its start.
    case 200: return BodyRest(body: answer.body, skipped: offset)
    case 403, 404, 410: throw CacheSourceError.gone("\(path): status \(answer.status)")
    default: throw UnexpectedAnswer(path: path, description: "\(path): status \(answer.status)")
    }
  }
}

/// Tells an appliance that does not answer from one that answers nonsense.
private func answered<Answer>(
  _ body: () async throws(HTTPClientError) -> Answer
) async throws -> Answer {
  do {
    return try await body()
  } catch {
    switch error {
    case .connectFailed, .connectTimeout, .idleTimeout, .closedEarly: throw CacheSourceError.unanswered("\(error)")
    case .cancelled: throw CancellationError()
    case .malformedURL, .malformedRequest, .malformedResponse, .bodyTooLarge, .requestBodyFailed: throw error
    }
  }
}

/// A body without its first bytes.
private struct BodyRest: AsyncSequence {
  typealias Element = [UInt8]
  typealias Failure = any Error

  var body: ClientResponseBody
  var skipped: UInt64

  func makeAsyncIterator() -> AsyncIterator { AsyncIterator(parts: body.makeAsyncIterator(), left: skipped) }

  struct AsyncIterator: AsyncIteratorProtocol {
    var parts: ClientResponseBody.AsyncIterator
    var left: UInt64

    mutating func next() async throws -> [UInt8]? {
      while let part = try await nextPart() {
        if left == 0 { return part }
        let skipped = Swift.min(left, UInt64(part.count))
        left -= skipped
        if skipped < part.count { return Array(part[Int(skipped)...]) }
      }
      return nil
    }

    private mutating func nextPart() async throws -> [UInt8]? {
      try await answered { () async throws(HTTPClientError) in try await parts.next() }
    }
  }
}
