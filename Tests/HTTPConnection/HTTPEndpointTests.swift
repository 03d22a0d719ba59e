import HTTPConnection
import Testing

@Suite("Endpoints and request lines")
struct HTTPEndpointTests {
  @Test(
    "only an address and a port make an endpoint",
    arguments: [
      "http://node1:8080", "https://192.0.2.1", "192.0.2.1:80", "http://192.0.2.1:0", "http://192.0.2.1:99999",
      "http://192.0.2.1/x", "http://2001:db8::1", "http://", "http://[192.0.2.1]:80", "http://192.0.2.1:+80",
    ])
  func malformedEndpoint(url: String) {
    #expect(throws: HTTPClientError.self) { try HTTPEndpoint(url: url) }
  }

  @Test("an endpoint is read from its URL")
  func endpoints() throws {
    #expect(try HTTPEndpoint(url: "http://192.0.2.1:8080") == .tcp(address: "192.0.2.1", port: 8080))
    #expect(try HTTPEndpoint(url: "http://192.0.2.1/") == .tcp(address: "192.0.2.1", port: 80))
    #expect(try HTTPEndpoint(url: "http://[2001:db8::1]:81") == .tcp(address: "2001:db8::1", port: 81))
  }

  @Test("a request that would break out of its line is refused", arguments: ["x", "/a b", "/a\r\nx: y", ""])
  func malformedPath(path: String) async {
    await #expect(throws: HTTPClientError.self) {
      _ = try await HTTPClient(endpoint: .tcp(address: "127.0.0.1", port: 1)).send(ClientRequest(path: path))
    }
  }
}
