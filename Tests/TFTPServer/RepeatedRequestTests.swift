import NIOCore
import TFTP
import TFTPServer
import Testing

@Suite("Requests that come again")
struct RepeatedRequestTests {
  @Test("a request that is repeated before the first answer belongs to the same transfer")
  func repeated() async throws {
    try await withServer { server, address, _ in
      let client = try await TFTPTestClient()
      try await client.request("loader.efi", edk2, at: address)
      let first = try #require(await client.receive())
      try await client.request("loader.efi", edk2, at: address)
      let second = try #require(await client.receive())
      #expect(first.from == second.from)
      #expect(first.packet == second.packet)
      #expect(server.counters.started == 1)
    }
  }

  @Test("a copy of the request that arrives while the transfer runs changes nothing")
  func lateCopy() async throws {
    try await withServer(repeatWindow: .seconds(600)) { server, address, log in
      let client = try await TFTPTestClient()
      try await client.request("exact", at: address)
      let first = try #require(await client.receive())
      try await client.send(.acknowledgement(block: 1), to: first.from)
      try await client.request("exact", at: address)
      try await client.request("exact", at: address)
      // Its refusal shows that the two before it were read.
      try await client.request("nothing", at: address)
      var data: [TFTPTestClient.Received] = []
      while let received = await client.receive() {
        if case .error(.fileNotFound, _) = received.packet { break }
        data.append(received)
      }
      #expect(data.allSatisfy { $0.from == first.from })
      for block in UInt16(2)...3 { try await client.send(.acknowledgement(block: block), to: first.from) }
      #expect(await log.firstOutcome() == .completed)
      #expect(server.counters.started == 1)
    }
  }

  @Test("a client that starts again from the same port after a while gets a new transfer")
  func restarted() async throws {
    try await withServer(repeatWindow: .zero) { server, address, log in
      let client = try await TFTPTestClient()
      try await client.request("loader.efi", at: address)
      let first = try #require(await client.receive())
      try await client.send(.acknowledgement(block: 1), to: first.from)
      // On a busy machine the server's timer may have sent block 1 again by now.
      var second = await client.receive()?.packet
      while case .data(1, _)? = second { second = await client.receive()?.packet }
      guard case .data(2, _)? = second else {
        Issue.record("no second block")
        return
      }
      try await client.request("loader.efi", at: address)
      #expect(await log.firstOutcome() == .restarted)
      var fresh: TFTPTestClient.Received?
      while let received = await client.receive() {
        if case .data(1, _) = received.packet, received.from != first.from {
          fresh = received
          break
        }
      }
      let port = try #require(fresh).from
      #expect(port != first.from)
      #expect(server.counters.started == 2)
    }
  }
}
