import Logging
import NIOCore
import NetworkAddress
import Synchronization
import TFTP
import TFTPServer
import Testing

@Suite("A TFTP server on real sockets")
struct TFTPServerTests {
  @Test(
    "a file arrives whole",
    arguments: [
      [], [TFTPOption("blksize", "8192")], edk2, [TFTPOption("blksize", "1024"), TFTPOption("tsize", "0")],
      [TFTPOption("windowsize", "16"), TFTPOption("blksize", "1468")], [TFTPOption("unknown", "1")],
    ])
  func download(options: [TFTPOption]) async throws {
    try await withServer { server, address, log in
      let client = try await TFTPTestClient()
      #expect(try await client.download("/boot\\loader.efi", options, at: address) == blob)
      #expect(await log.firstOutcome() == .completed)
      #expect(server.counters.succeeded == 1)
      #expect(server.counters.bytesSent >= blob.count)
    }
  }

  @Test("an empty file and one that fills its last block arrive whole")
  func sizes() async throws {
    try await withServer { _, address, _ in
      // A client each: what the server sent again late would else be taken for the next file.
      for (name, options, size) in [("empty", [], 0), ("empty", edk2, 0), ("exact", [], 1024)] {
        let client = try await TFTPTestClient()
        #expect(try await client.download(name, options, at: address).count == size)
      }
    }
  }

  @Test("many clients at once each get their file")
  func parallel() async throws {
    try await withServer { server, address, _ in
      try await withThrowingTaskGroup(of: Bool.self) { group in
        for _ in 0..<12 {
          group.addTask { try await TFTPTestClient().download("loader.efi", edk2, at: address) == blob }
        }
        for try await isWhole in group { #expect(isWhole) }
      }
      #expect(server.counters.started == 12)
    }
  }

  @Test(
    "what is not served is refused at once",
    arguments: [
      ("nothing", TFTPErrorCode.fileNotFound), ("../etc/passwd", .accessViolation), ("", .accessViolation),
      ("/etc/passwd", .fileNotFound), ("a\nb", .accessViolation),
    ])
  func missing(name: String, code: TFTPErrorCode) async throws {
    try await withServer { server, address, log in
      let client = try await TFTPTestClient()
      await #expect(throws: TFTPTestClient.Refusal.self) { try await client.download(name, at: address) }
      try await client.request(name, at: address)
      guard case .error(code, let text)? = await client.receive()?.packet else {
        Issue.record("no error")
        return
      }
      #expect(!String(decoding: text, as: UTF8.self).contains("passwd"))
      #expect(server.counters.refused == 2)
      #expect(log.outcomes.isEmpty)
    }
  }

  @Test("writing, netascii and mail are illegal operations")
  func illegal() async throws {
    try await withServer { _, address, _ in
      let client = try await TFTPTestClient()
      let name = Array("loader.efi".utf8)
      for packet: TFTPPacket in [
        .writeRequest(TFTPRequest(name: name)), .readRequest(TFTPRequest(name: name, mode: .netascii)),
        .readRequest(TFTPRequest(name: name, mode: .mail)),
      ] {
        try await client.send(packet, to: address)
        guard case .error(.illegalOperation, _)? = await client.receive()?.packet else {
          Issue.record("no error for \(packet)")
          continue
        }
      }
    }
  }

  @Test("packets that are no request get no answer, and the server goes on")
  func noise() async throws {
    try await withServer { server, address, _ in
      let client = try await TFTPTestClient()
      let noise: [[UInt8]] = [
        [], [0], [0, 0], [0, 1], [0, 1, 65], [0, 3, 0, 1], [0, 4, 0, 1], [0, 5, 0, 1, 0], [0, 6], [9, 9],
        [0, 1] + [UInt8](repeating: 65, count: 1990), [0, 1] + [UInt8](repeating: 65, count: 60_000),
      ]
      for bytes in noise { try await client.send(bytes, to: address) }
      #expect(try await client.download("exact", at: address).count == 1024)
      #expect(server.counters.refused == noise.count)
    }
  }

  @Test("somebody else's packets to a transfer get error 5, and change nothing")
  func stranger() async throws {
    try await withServer { server, address, log in
      let client = try await TFTPTestClient()
      let stranger = try await TFTPTestClient()
      try await client.request("exact", at: address)
      let first = try #require(await client.receive())
      #expect(first.from.port != address.port)
      for _ in 0..<20 { try await stranger.send(.error(.notDefined, "stop"), to: first.from) }
      guard case .error(.unknownTransferID, _)? = await stranger.receive()?.packet else {
        Issue.record("no error 5")
        return
      }
      for block in UInt16(1)...3 { try await client.send(.acknowledgement(block: block), to: first.from) }
      #expect(await log.firstOutcome() == .completed)
      #expect(server.counters.strangers == 20)
    }
  }

  @Test("an abort at the option acknowledgement counts as a question for the size")
  func sizeQuestion() async throws {
    try await withServer { server, address, log in
      let client = try await TFTPTestClient()
      try await client.request("loader.efi", edk2, at: address)
      let answer = try #require(await client.receive())
      #expect(
        answer.packet
          == .optionAcknowledgement([
            TFTPOption("tsize", "300000"), TFTPOption("blksize", "1468"), TFTPOption("windowsize", "4"),
          ]))
      try await client.send(.error(.optionRefused, "User aborted the transfer"), to: answer.from)
      #expect(await log.firstOutcome() == .sizeOnly)
      #expect(server.counters.running == 0)
      #expect(server.counters.failed == 0)
    }
  }

  @Test("requests of clients that never answer make room, and a real one is served")
  func forgedRequests() async throws {
    try await withServer(limit: 8, limitPerPeer: 8) { server, address, _ in
      let forgers = try await withThrowingTaskGroup(of: TFTPTestClient.self) { group in
        for _ in 0..<40 { group.addTask { try await TFTPTestClient() } }
        return try await group.reduce(into: []) { $0.append($1) }
      }
      for forger in forgers { try await forger.request("loader.efi", edk2, at: address) }
      let client = try await TFTPTestClient()
      #expect(try await client.download("loader.efi", edk2, at: address) == blob)
      #expect(server.counters.running <= 8)
    }
  }

  @Test("running transfers are not ended for new ones")
  func tooMany() async throws {
    try await withServer(limit: 2, limitPerPeer: 2) { server, address, log in
      var clients: [(TFTPTestClient, SocketAddress)] = []
      for _ in 0..<2 {
        let client = try await TFTPTestClient()
        try await client.request("loader.efi", at: address)
        let first = try #require(await client.receive())
        try await client.send(.acknowledgement(block: 1), to: first.from)
        _ = await client.receive()
        clients.append((client, first.from))
      }
      let third = try await TFTPTestClient()
      try await third.request("loader.efi", at: address)
      let reason = await log.first { event in
        if case .refused(let refusal) = event { refusal.reason } else { nil }
      }
      #expect(reason == .tooManyTransfers)
      #expect(server.counters.tooMany == 1)
      let (client, port) = clients[0]
      try await client.send(.acknowledgement(block: 2), to: port)
      // On a busy machine the server's timer may have sent block 2 again by now.
      var packet = await client.receive()?.packet
      while case .data(2, _)? = packet { packet = await client.receive()?.packet }
      guard case .data(3, _)? = packet else {
        Issue.record("the running transfer did not go on")
        return
      }
    }
  }

  @Test("clients that are not served get no answer")
  func notServed() async throws {
    try await withServer(isServed: { _ in false }) { server, address, log in
      let client = try await TFTPTestClient()
      try await client.request("exact", at: address)
      let reason = await log.first { event in
        if case .refused(let refusal) = event { refusal.reason } else { nil }
      }
      #expect(reason == .notServed)
      #expect(server.counters.started == 0)
    }
  }

  @Test("a server on all addresses answers from the one that was asked")
  func sameAddress() async throws {
    try await withServer(address: .any) { _, address, _ in
      let client = try await TFTPTestClient()
      try await client.request("exact", at: try SocketAddress(ipAddress: "127.0.0.1", port: address.port ?? 0))
      #expect(await client.receive()?.from.ipAddress == "127.0.0.1")
    }
  }

  @Test("a port that is in use, and an address that is nobody's, are said with the way out")
  func startErrors() async throws {
    try await withServer { _, address, _ in
      let port = try #require(address.port)
      let loopback = IPv4Address(127, 0, 0, 1)
      let foreign = IPv4Address(192, 0, 2, 77)
      for (address, error) in [
        (loopback, TFTPServerError.portInUse(loopback, port: port)),
        (foreign, .addressNotAvailable(foreign, port: port)),
      ] {
        let second = TFTPServer(
          configuration: TFTPServerConfiguration(addresses: [address], port: port), logger: Logger(label: "test")
        ) { _, _ in nil }
        await #expect(throws: error) { try await second.run() }
        await #expect(throws: error) { try await second.waitUntilListening() }
      }
    }
    let none = TFTPServer(configuration: TFTPServerConfiguration(addresses: []), logger: Logger(label: "t")) { _, _ in
      nil
    }
    await #expect(throws: TFTPServerError.noAddress) { try await none.run() }
    #expect("\(TFTPServerError.notPermitted(.any, port: 69))".contains("cap_net_bind_service"))
  }

  @Test("a server that stops ends its transfers and says so")
  func stops() async throws {
    let logs = Mutex<[EventLog]>([])
    try await withServer { _, address, log in
      let client = try await TFTPTestClient()
      try await client.request("loader.efi", at: address)
      #expect(await client.receive() != nil)
      logs.withLock { $0.append(log) }
    }
    let log = try #require(logs.withLock { $0.first })
    #expect(await log.firstOutcome() == .serverStopped)
  }
}
