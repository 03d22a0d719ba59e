import HTTPConnection
import Testing

@Suite("The HTTP client against a real server", .timeLimit(.minutes(10)))
struct HTTPClientTests {
  @Test(
    "a body comes whole, however it is framed",
    arguments: [
      "HTTP/1.1 200 OK\r\ncontent-length: 11\r\n\r\nhello world",
      "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n6\r\nhello \r\n5;x=y\r\nworld\r\n0\r\n\r\n",
      "HTTP/1.1 200 OK\r\nconnection: close\r\n\r\nhello world",
      "HTTP/1.0 200 OK\r\n\r\nhello world",
      "HTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 11\r\n\r\nhello world",
    ])
  func framing(answer: String) async throws {
    try await withServer { connection in
      _ = try await connection.readHead()
      try await connection.write(answer)
    } body: { endpoint in
      let response = try await HTTPClient(endpoint: endpoint).collect(ClientRequest(path: "/x"))
      #expect(response.status == 200)
      #expect(String(decoding: response.body, as: UTF8.self) == "hello world")
    }
  }

  @Test("an answer that arrives byte by byte is the same")
  func byteByByte() async throws {
    try await withServer { connection in
      _ = try await connection.readHead()
      for byte in "HTTP/1.1 404 Not Found\r\nX-Note: a\r\ncontent-length: 3\r\n\r\nabc".utf8 {
        try await connection.write([byte])
      }
    } body: { endpoint in
      let response = try await HTTPClient(endpoint: endpoint).collect(ClientRequest(path: "/"))
      #expect(response.status == 404)
      #expect(response.headers["x-note"] == "a")
      #expect(response.body == Array("abc".utf8))
    }
  }

  @Test("the request has a host, its headers and its body")
  func requestHead() async throws {
    let notes = Notes()
    try await withServer { connection in
      notes.add(try await connection.readHead() ?? "")
      notes.add(String(decoding: try await connection.read(count: 5) ?? [], as: UTF8.self))
      try await connection.write("HTTP/1.1 204 No Content\r\n\r\n")
    } body: { endpoint in
      let request = ClientRequest(
        method: "POST", path: "/a?b=c", headers: [("x-token", "t"), ("content-length", "999")],
        body: .bytes(Array("12345".utf8)))
      let answer = try await HTTPClient(endpoint: endpoint).collect(request)
      #expect(answer.status == 204)
      let head = try #require(notes.all.first)
      #expect(head.hasPrefix("POST /a?b=c HTTP/1.1\r\n"))
      #expect(head.contains("host: 127.0.0.1:"))
      #expect(head.contains("x-token: t\r\n"))
      #expect(head.contains("content-length: 5\r\n"))
      #expect(!head.contains("999"))
      #expect(notes.all.last == "12345")
    }
  }

  @Test("one connection serves requests one after another, several at once get their own")
  func keepAlive() async throws {
    try await withServer { connection in
      while try await connection.readHead() != nil {
        let body = String(connection.number)
        try await connection.write("HTTP/1.1 200 OK\r\ncontent-length: \(body.utf8.count)\r\n\r\n\(body)")
      }
    } body: { endpoint in
      let client = HTTPClient(endpoint: endpoint)
      for _ in 0..<5 {
        let answer = try await client.collect(ClientRequest(path: "/"))
        #expect(answer.body == Array("1".utf8))
      }
      let held = try await client.send(ClientRequest(path: "/"))
      let answer = try await client.collect(ClientRequest(path: "/"))
      #expect(answer.body == Array("2".utf8))
      #expect(try await held.body.collect(limit: 10) == Array("1".utf8))
    }
  }

  @Test("a kept connection that the server closed is replaced")
  func staleConnection() async throws {
    try await withServer { connection in
      _ = try await connection.readHead()
      try await connection.write("HTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\n\(connection.number)")
    } body: { endpoint in
      let client = HTTPClient(endpoint: endpoint)
      for number in 1...4 {
        let answer = try await client.collect(ClientRequest(path: "/"))
        #expect(answer.body == Array("\(number)".utf8))
      }
    }
  }

  @Test(
    "an answer that ends too early is an error, not a short body",
    arguments: [
      "", "HTTP/1.1 200", "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nabc",
      "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nabcde\r\n",
    ])
  func earlyClose(answer: String) async throws {
    try await withServer { connection in
      _ = try await connection.readHead()
      try await connection.write(answer)
    } body: { endpoint in
      let error = await #expect(throws: HTTPClientError.self) {
        _ = try await HTTPClient(endpoint: endpoint).collect(ClientRequest(path: "/"))
      }
      guard case .closedEarly = error else {
        Issue.record("\(String(describing: error))")
        return
      }
    }
  }

  @Test(
    "what is not HTTP is an error",
    arguments: [
      ("SSH-2.0-OpenSSH_9.2", 1), ("HTTP/1.1 200 OK\r\ncontent-length: x", 1),
      ("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz", 1), ("HTTP/1.1 200 OK\r\nx: ", 70_000),
      ("HTTP/1.1 200 OK\r\n", 3000),
    ])
  func malformedAnswer(start: String, repeats: Int) async throws {
    try await withServer { connection in
      _ = try await connection.readHead()
      let rest = String(repeating: start.hasSuffix("\n") ? "x: aaaaaaaaaaaaaaaaaaaaaaaaaaaaa\r\n" : "a", count: repeats)
      try await connection.write(start + (repeats > 1 ? rest : "") + "\r\n\r\n")
      try await connection.waitForClose()
    } body: { endpoint in
      let error = await #expect(throws: HTTPClientError.self) {
        _ = try await HTTPClient(endpoint: endpoint).collect(ClientRequest(path: "/"))
      }
      guard case .malformedResponse = error else {
        Issue.record("\(String(describing: error))")
        return
      }
    }
  }

  @Test("a server that falls silent is given up", arguments: ["", "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nabc"])
  func silence(answer: String) async throws {
    try await withServer { connection in
      _ = try await connection.readHead()
      try await connection.write(answer)
      try await connection.waitForClose()
    } body: { endpoint in
      let client = HTTPClient(endpoint: endpoint, limits: HTTPClientLimits(idleTimeout: .milliseconds(100)))
      let error = await #expect(throws: HTTPClientError.self) {
        _ = try await client.collect(ClientRequest(path: "/"))
      }
      guard case .idleTimeout = error else {
        Issue.record("\(String(describing: error))")
        return
      }
    }
  }

  @Test("a port where nobody listens is said")
  func refused() async throws {
    let notes = Notes()
    try await withServer { _ in
    } body: { endpoint in
      if case .tcp(_, let port) = endpoint { notes.add(String(port)) }
    }
    let port = try #require(notes.all.first.flatMap { Int($0) })
    let error = await #expect(throws: HTTPClientError.self) {
      _ = try await HTTPClient(endpoint: .tcp(address: "127.0.0.1", port: port)).collect(ClientRequest(path: "/"))
    }
    #expect("\(String(describing: error))".contains("no connection to http://127.0.0.1:\(port)"))
  }

  @Test("a body over the caller's limit is refused")
  func bodyLimit() async throws {
    try await withServer { connection in
      _ = try await connection.readHead()
      try await connection.write("HTTP/1.1 200 OK\r\ncontent-length: 11\r\n\r\nhello world")
    } body: { endpoint in
      let error = await #expect(throws: HTTPClientError.self) {
        _ = try await HTTPClient(endpoint: endpoint).collect(ClientRequest(path: "/"), limit: 10)
      }
      guard case .bodyTooLarge = error else {
        Issue.record("\(String(describing: error))")
        return
      }
    }
  }

  @Test("a Unix domain socket works like a port")
  func unixSocket() async throws {
    let path = "/tmp/bootstead-http-\(UInt64.random(in: .min ... .max)).sock"
    try await withServer(unixSocket: path) { connection in
      _ = try await connection.readHead()
      try await connection.write("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok")
    } body: { endpoint in
      let answer = try await HTTPClient(endpoint: endpoint).collect(ClientRequest(path: "/"))
      #expect(answer.body == Array("ok".utf8))
    }
  }

  @Test("a request body that is a stream is sent in chunks, or with the length that it keeps")
  func streamedRequest() async throws {
    let notes = Notes()
    try await withServer { connection in
      notes.add(try await connection.readHead() ?? "")
      notes.add(try await connection.read(until: connection.number == 1 ? "0\r\n\r\n" : "def") ?? "")
      try await connection.write("HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 0\r\n\r\n")
    } body: { endpoint in
      let client = HTTPClient(endpoint: endpoint)
      for length in [nil, 6] {
        let parts = AsyncThrowingStream<[UInt8], any Error> { continuation in
          for part in ["abc", "", "def"] { continuation.yield(Array(part.utf8)) }
          continuation.finish()
        }
        let request = ClientRequest(method: "PUT", path: "/nar", body: .stream(length: length, parts))
        let answer = try await client.collect(request)
        #expect(answer.status == 200)
      }
      #expect(notes.all[0].contains("transfer-encoding: chunked"))
      #expect(notes.all[1] == "3\r\nabc\r\n3\r\ndef\r\n0\r\n\r\n")
      #expect(notes.all[2].contains("content-length: 6"))
      #expect(notes.all[3] == "abcdef")
    }
  }

  @Test("a request body that breaks its promised length is an error", arguments: [2, 9])
  func brokenLength(length: Int) async throws {
    try await withServer { connection in
      try await connection.waitForClose()
    } body: { endpoint in
      let parts = AsyncThrowingStream<[UInt8], any Error> { continuation in
        continuation.yield([1, 2, 3])
        continuation.finish()
      }
      let error = await #expect(throws: HTTPClientError.self) {
        _ = try await HTTPClient(endpoint: endpoint).collect(
          ClientRequest(method: "PUT", path: "/", body: .stream(length: length, parts)))
      }
      guard case .requestBodyFailed = error else {
        Issue.record("\(String(describing: error))")
        return
      }
    }
  }

  @Test("a cancelled request ends")
  func cancellation() async throws {
    try await withServer { connection in
      try await connection.waitForClose()
    } body: { endpoint in
      let task = Task { try await HTTPClient(endpoint: endpoint).collect(ClientRequest(path: "/")) }
      task.cancel()
      let error = await #expect(throws: HTTPClientError.self) { _ = try await task.value }
      guard case .cancelled = error else {
        Issue.record("\(String(describing: error))")
        return
      }
    }
  }

  @Test("the server is not read ahead of the reader")
  func backPressure() async throws {
    let total = 64 << 20
    let notes = Notes()
    try await withServer { connection in
      _ = try await connection.readHead()
      try await connection.write("HTTP/1.1 200 OK\r\ncontent-length: \(total)\r\n\r\n")
      let part = [UInt8](repeating: 7, count: 1 << 20)
      for index in 0..<64 {
        try await connection.write(part)
        notes.add("\(index)")
      }
      try await connection.waitForClose()
    } body: { endpoint in
      let response = try await HTTPClient(endpoint: endpoint).send(ClientRequest(path: "/"))
      // Long enough for all of it, if nothing held the server back: the socket buffers take a few MiB.
      try await Task.sleep(for: .milliseconds(300))
      #expect(notes.all.count < 40)
      var received = 0
      for try await part in response.body { received += part.count }
      #expect(received == total)
    }
  }
}
