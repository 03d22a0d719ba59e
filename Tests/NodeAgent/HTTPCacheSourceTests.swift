import HTTPConnection
import NodeAgent
import Testing

@Suite("The cache over HTTP", .timeLimit(.minutes(10)))
struct HTTPCacheSourceTests {
  static let content = (0..<100_000).map { UInt8(truncatingIfNeeded: $0 &* 7) }

  /// A cache with one narinfo and one file; it knows ranges only where `ranges` says so.
  private func withCache(ranges: Bool, _ body: (HTTPCacheSource) async throws -> Void) async throws {
    try await FakeServer.serve({ request in
      switch request.path {
      case "/cache/abc.narinfo": return FakeServer.Answer(status: 200, body: Array("StorePath: x".utf8))
      case "/cache/broken.narinfo": return FakeServer.Answer(status: 500)
      case "/cache/nar/file.nar":
        guard ranges, let range = request.header("range"), range.hasPrefix("bytes="), range.hasSuffix("-"),
          let start = Int(range.dropFirst(6).dropLast())
        else { return FakeServer.Answer(status: 200, body: Self.content) }
        return FakeServer.Answer(
          status: 206, headers: [("content-range", "bytes \(start)-\(Self.content.count - 1)/\(Self.content.count)")],
          body: Array(Self.content[start...]))
      default: return FakeServer.Answer(status: 404)
      }
    }) { endpoint in try await body(HTTPCacheSource(client: HTTPClient(endpoint: endpoint), path: "/cache/")) }
  }

  @Test("a narinfo is found, missing, or in trouble")
  func narInfo() async throws {
    try await withCache(ranges: true) { source in
      let found = try await source.narInfo(hashPart: "abc")
      #expect(found == Array("StorePath: x".utf8))
      let missing = try await source.narInfo(hashPart: "def")
      #expect(missing == nil)
      await #expect(throws: (any Error).self) { _ = try await source.narInfo(hashPart: "broken") }
    }
  }

  @Test(
    "a download goes on from the byte where it stopped, whether or not the server knows ranges",
    arguments: [true, false], [0, 1, 65_536, 99_999])
  func resume(ranges: Bool, offset: Int) async throws {
    try await withCache(ranges: ranges) { source in
      var received: [UInt8] = []
      for try await part in try await source.nar(url: "nar/file.nar", from: UInt64(offset)) { received += part }
      #expect(received == Array(Self.content[offset...]))
    }
  }

  @Test("a file that is gone is not tried again")
  func gone() async throws {
    try await withCache(ranges: true) { source in
      await #expect(throws: CacheSourceError.self) { _ = try await source.nar(url: "nar/none.nar", from: 0) }
    }
  }

  @Test("an appliance that is away is told from one that answers badly")
  func away() async throws {
    // Nothing listens on the discard port of the loopback interface.
    let source = HTTPCacheSource(
      client: HTTPClient(endpoint: try HTTPEndpoint(url: "http://127.0.0.1:9")), path: "/cache")
    for request in [
      { _ = try await source.narInfo(hashPart: "abc") }, { _ = try await source.nar(url: "nar/file.nar", from: 0) },
    ] as [() async throws -> Void] {
      let error = await #expect(throws: CacheSourceError.self) { try await request() }
      guard case .unanswered? = error else {
        Issue.record("\(String(describing: error))")
        continue
      }
    }
    try await withCache(ranges: true) { source in
      let error = await #expect(throws: (any Error).self) { _ = try await source.narInfo(hashPart: "broken") }
      #expect(!(error is CacheSourceError))
    }
  }
}
