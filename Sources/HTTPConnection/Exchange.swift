import NIOCore
import NIOHTTP1
import Synchronization

/// One request and its answer on one connection. Given up in the middle, it closes the connection.
final class Exchange: Sendable {
  let connection: Connection
  private let pool: ConnectionPool
  private let state = Mutex(State.open)

  private enum State { case open, reusable, finished }

  init(connection: Connection, pool: ConnectionPool) {
    self.connection = connection
    self.pool = pool
  }

  deinit { if state.withLock({ $0 != .finished }) { connection.close() } }

  func abandon() {
    state.withLock { $0 = .finished }
    connection.close()
  }

  func send(_ request: ClientRequest) async throws(HTTPClientError) {
    var headers = HTTPHeaders(request.headers.map { ($0.name, $0.value) })
    headers.replaceOrAdd(name: "host", value: connection.endpoint.authority)
    headers.remove(name: "transfer-encoding")
    headers.remove(name: "content-length")
    var expected: Int?
    switch request.body {
    case .none: if request.method == "POST" || request.method == "PUT" { expected = 0 }
    case .bytes(let bytes): expected = bytes.count
    case .stream(let length, _): expected = length
    }
    if let expected {
      headers.add(name: "content-length", value: String(expected))
    } else if case .stream = request.body {
      headers.add(name: "transfer-encoding", value: "chunked")
    }
    let head = HTTPRequestHead(
      version: .http1_1, method: HTTPMethod(rawValue: request.method), uri: request.path, headers: headers)
    try await connection.write(.head(head))
    switch request.body {
    case .none: break
    case .bytes(let bytes):
      // In pieces, so that a slow but living server does not look silent.
      for start in stride(from: 0, to: bytes.count, by: 65_536) {
        let end = min(start + 65_536, bytes.count)
        try await connection.write(.body(.byteBuffer(ByteBuffer(bytes: bytes[start..<end]))))
      }
    case .stream(let length, let parts): try await send(parts, length: length)
    }
    try await connection.write(.end(nil))
  }

  private func send(
    _ parts: any AsyncSequence<[UInt8], any Error> & Sendable, length: Int?
  ) async throws(HTTPClientError) {
    var sent = 0
    do {
      for try await part in parts where !part.isEmpty {
        sent += part.count
        if let length, sent > length { break }
        try await connection.write(.body(.byteBuffer(ByteBuffer(bytes: part))))
      }
    } catch let error as HTTPClientError {
      throw error
    } catch {
      throw .requestBodyFailed(reason: "\(error)")
    }
    if let length, sent != length {
      throw .requestBodyFailed(reason: "it gave \(sent > length ? "more" : "fewer") than \(length) bytes")
    }
  }

  /// The head of the answer.
  func head() async throws(HTTPClientError) -> HTTPResponseHead {
    guard case .head(let head) = try await connection.nextPart() else {
      throw .malformedResponse(connection.endpoint, reason: "it has no head")
    }
    if head.isKeepAlive { state.withLock { if $0 == .open { $0 = .reusable } } }
    return head
  }

  /// Nil at the end, after which the connection is free for the next request.
  func nextBodyPart() async throws(HTTPClientError) -> [UInt8]? {
    if state.withLock({ $0 == .finished }) { return nil }
    do {
      switch try await connection.nextPart() {
      case .body(let buffer): return Array(buffer.readableBytesView)
      case .end:
        finish()
        return nil
      case .head:
        throw HTTPClientError.malformedResponse(connection.endpoint, reason: "a second head came inside the answer")
      }
    } catch {
      abandon()
      throw error as? HTTPClientError ?? .closedEarly(connection.endpoint)
    }
  }

  private func finish() {
    let reusable = state.withLock { state in
      defer { state = .finished }
      return state == .reusable
    }
    if reusable { pool.give(back: connection) } else { connection.close() }
  }
}
