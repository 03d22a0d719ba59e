import AgentProtocol
import BootDecision
import BootHTTP
import DiskLayout
import Fleet
import Foundation
import NetworkAddress
import Testing

@Suite("What agents ask")
struct AgentAPITests {
  /// One side of the conversation, over a real connection.
  struct Agent {
    let connection: RawConnection
    let key: SigningPrivateKey
    let applianceKey: SigningPublicKey
    var session: SessionIdentifier?
    var counter: UInt64 = 0

    /// Sends a request, and checks that the appliance signed the answer to just this one.
    mutating func ask(_ method: String, _ path: String, _ body: [UInt8] = []) throws -> RawConnection.Answer {
      counter += 1
      let request =
        try session.map {
          try SignedRequest.sign(method: method, path: path, body: body, session: $0, counter: counter, key: key)
        } ?? SignedRequest.unsigned(method: method, path: path, body: body)
      return try send(request, body)
    }

    func send(_ request: SignedRequest, _ body: [UInt8]) throws -> RawConnection.Answer {
      let headers = request.headers.map { "\($0.name): \($0.value)" } + ["Content-Length: \(body.count)", "Host: a"]
      connection.write("\(request.method) \(request.path) HTTP/1.1\r\n\(headers.joined(separator: "\r\n"))\r\n\r\n")
      connection.write(body)
      let answer = try connection.answer()
      try SignedResponse(status: answer.status, body: answer.body) { answer.values($0).first }
        .verify(answering: request, by: applianceKey)
      return answer
    }

    mutating func claim(nonce: BootNonce, buildsSystems: Bool? = nil) throws {
      let promise = try MessageCoder.decode(
        BeginAnswer.self,
        from: try ask("POST", AgentPath.begin, MessageCoder.encode(BeginRequest(bootNonce: nonce))).body)
      (session, counter) = (promise.session, 0)
      let inventory = MachineInventory(
        processor: .init(architecture: "x86_64", threads: 1), memoryBytes: 1 << 30, firmware: .init(kind: .bios),
        disks: DiskInventory(disks: [Disk(id: "ata-D", node: "/dev/sda", size: 500 << 30, bus: .sata, serial: "S")]),
        buildsSystems: buildsSystems)
      let hello = HelloRequest(
        session: promise.session, bootNonce: nonce, agentKey: key.publicKey, recipient: AgeIdentity().recipient,
        agentNonce: ClaimNonce(), inventory: inventory)
      let answer = try ask("POST", AgentPath.hello, MessageCoder.encode(hello))
      #expect(answer.status == 200)
    }
  }

  func withAgent(
    closure: String? = BootAppliance.closure,
    flake: (@Sendable (MachineName) async throws -> ServedFlake)? = nil,
    _ work: @escaping @Sendable (inout Agent, BootNonce) throws -> Void
  ) async throws {
    let appliance = try BootAppliance()
    try await appliance.add(closure: closure)
    try await appliance.serving(flake: flake) { port in
      let mac = try MACAddress(BootAppliance.mac)
      let boot = try await appliance.fleet.boot(
        BootContact(mac: mac, uuid: nil, serial: nil, product: nil, platform: nil), enrolment: .closed)
      let nonce = try BootNonce(boot.nonce ?? "")
      try await raw(port) { connection in
        var agent = Agent(connection: connection, key: try SigningPrivateKey(), applianceKey: appliance.key.publicKey)
        try work(&agent, nonce)
      }
    }
  }

  @Test("a claim gets its task, and every answer is signed for its own request")
  func task() async throws {
    try await withAgent { agent, nonce in
      try agent.claim(nonce: nonce)
      let answer = try agent.ask("GET", AgentPath.task)
      let task = try MessageCoder.decode(AgentTask.self, from: answer.body)
      guard case .install(let install) = task else {
        Issue.record("no install but \(task)")
        return
      }
      #expect(install.closure == BootAppliance.closure && install.consoleArguments == ["console=ttyS0"])
      let report = ProgressReport(step: .disks, detail: "sfdisk")
      let progress = try agent.ask("POST", AgentPath.progress, MessageCoder.encode(report))
      #expect(progress.status == 204 && progress.body.isEmpty)
    }
  }

  @Test("a replay, another key, a changed body and an unknown session are refused with the code that the agent knows")
  func refusals() async throws {
    try await withAgent { agent, nonce in
      try agent.claim(nonce: nonce)
      func code(_ answer: RawConnection.Answer) throws -> AgentRefusal.Code {
        try MessageCoder.decode(AgentRefusal.self, from: answer.body).code
      }
      let session = try #require(agent.session)
      let request = try SignedRequest.sign(
        method: "GET", path: AgentPath.task, body: [], session: session, counter: 50, key: agent.key)
      #expect(try agent.send(request, []).status == 200)
      let replay = try agent.send(request, [])
      #expect(try replay.status == 409 && code(replay) == .replayed)
      let forged = try agent.send(
        SignedRequest.sign(
          method: "GET", path: AgentPath.task, body: [], session: session, counter: 51, key: SigningPrivateKey()), [])
      #expect(try forged.status == 401 && code(forged) == .wrongSignature)
      let moved = try SignedRequest.sign(
        method: "POST", path: AgentPath.failed, body: [], session: session, counter: 52, key: agent.key)
      var headers = moved.headers.map { "\($0.name): \($0.value)" }
      headers += ["Content-Length: 2", "Host: a"]
      agent.connection.write("POST \(AgentPath.failed) HTTP/1.1\r\n\(headers.joined(separator: "\r\n"))\r\n\r\n{}")
      #expect([400, 401].contains(try agent.connection.answer().status))
      agent.session = SessionIdentifier()
      let unknown = try agent.ask("GET", AgentPath.task)
      #expect(try unknown.status == 401 && code(unknown) == .unknownSession)
    }
  }

  @Test("a node's report gets its orders, a rebuild its saved state, and each answer is signed")
  func rebuild() async throws {
    let appliance = try BootAppliance()
    try await appliance.add()
    // One agent: another one would have to wait until this one was silent for a while.
    let (key, node) = (try SigningPrivateKey(), try SigningPrivateKey())
    let group = "Zt4nWq-1a2B-c3D4-e5F6-g7H8-i9J0-kLmNoP"
    try await appliance.serving { port in
      func script() async throws -> String {
        try await raw(port) { try $0.get("/boot.ipxe?mac=52-54-00-00-00-01").text }
      }
      @Sendable func nonce(_ script: String) throws -> BootNonce {
        try BootNonce(String(try #require(script.firstMatch(of: /\/boot\/overlay\/([0-9a-f]{32})\.cpio/)).1))
      }
      func ask(_ work: @escaping @Sendable (inout Agent) throws -> Void) async throws {
        try await raw(port) { connection in
          var agent = Agent(connection: connection, key: key, applianceKey: appliance.key.publicKey)
          try work(&agent)
        }
      }
      @Sendable func report(_ agent: inout Agent, counter: UInt64) throws -> NodeOrders {
        let body = try MessageCoder.encode(
          NodeReport(
            machineName: "node1", nodeKey: node.publicKey, closure: BootAppliance.closure, kernel: "6",
            bootIdentifier: "b", uptime: 1))
        let request = try SignedRequest.sign(
          method: "POST", path: AgentPath.report, body: body, session: SessionIdentifier(node: node.publicKey),
          counter: counter, key: node)
        let answer = try agent.send(request, body)
        #expect(answer.status == 200)
        return try MessageCoder.decode(NodeOrders.self, from: answer.body)
      }
      @Sendable func task(_ agent: inout Agent, _ nonce: BootNonce) throws -> InstallTask {
        try agent.claim(nonce: nonce)
        let task = try MessageCoder.decode(AgentTask.self, from: agent.ask("GET", AgentPath.task).body)
        guard case .install(let install) = task else {
          throw AgentRefusal(code: .notExpected, message: "no install but \(task)")
        }
        return install
      }

      let first = try nonce(await script())
      try await ask { agent in
        let install = try task(&agent, first)
        let state = SavedDiskState(task: "other", partitionTables: [:], volumeGroups: [:])
        #expect(try agent.ask("POST", AgentPath.saved, MessageCoder.encode(state)).status == 409)
        let installed = InstalledReport(
          task: install.identifier, nodeKey: node.publicKey, nodeRecipient: AgeIdentity().recipient,
          disks: [InstalledDisk(identifier: "ata-D", serial: "S", volumeGroupName: "data", volumeGroupUUID: group)],
          closure: try #require(install.closure))
        #expect(try agent.ask("POST", AgentPath.installed, MessageCoder.encode(installed)).status == 204)
        #expect(try report(&agent, counter: 1) == NodeOrders(nextReport: 60))
      }
      var setting = SetMachine()
      setting.closure = BootAppliance.closure + "-2"
      _ = try await appliance.fleet.set("node1", setting)
      var change = RolloutRequest(kind: .apply, machines: ["node1"])
      change.digest = try await appliance.fleet.planRollout(change).digest
      let ordered = try await appliance.fleet.orderRollout(change)
      try await ask { agent in
        let order = try report(&agent, counter: 2).rollout
        #expect(order?.identifier == ordered.first?.identifier && order?.closure == BootAppliance.closure + "-2")
        #expect(order?.cachePublicKeys.count == 1 && order?.cachePublicKeys.first?.hasPrefix("test:") == true)
      }
      var request = RebuildRequest()
      request.now = true
      request.digest = try await appliance.fleet.previewRebuild("node1", request).digest
      let install = try await appliance.fleet.rebuild("node1", request).machine.install
      try await ask { agent in
        let order = try report(&agent, counter: 3).networkBoot
        #expect(order != nil)
      }
      let text = try await script()
      #expect(text.contains("rebuilding, its data stays"))
      try await ask { agent in
        try agent.claim(nonce: nonce(text))
        let answer = try agent.ask("GET", AgentPath.task)
        // The disk of this agent is blank: the group is missing.
        guard case .wait(let reason, _) = try MessageCoder.decode(AgentTask.self, from: answer.body) else {
          Issue.record("the rebuild began without its group")
          return
        }
        #expect(reason.contains(group))
        let state = SavedDiskState(task: install, partitionTables: [:], volumeGroups: [:])
        #expect(try agent.ask("POST", AgentPath.saved, MessageCoder.encode(state)).status == 409)
        let wiped = WipedReport(task: "none", disks: [:])
        #expect(try agent.ask("POST", AgentPath.wiped, MessageCoder.encode(wiped)).status == 409)
      }
      // A rebuild that comes back again and again is held, as a first install is; that an agent said hello does not help.
      for _ in 0..<4 { #expect(try await script().contains("bs-kernel")) }
      let held = try await script()
      #expect(
        held.contains("is held: 5 boots in 10 minutes, and no agent that stayed")
          && held.contains("bootstead why node1"))
    }
  }

  @Test(
    "requests without signature, with odd headers and with bodies that are no message are refused, each with a status")
  func malformed() async throws {
    try await withAgent { agent, nonce in
      for (headers, body, path) in [
        ([], "{}", AgentPath.hello), (["bootstead-session: x"], "{}", AgentPath.hello), ([], "", AgentPath.report),
        (
          [
            "bootstead-session: " + String(repeating: "0", count: 32), "bootstead-counter: -1",
            "bootstead-signature: x",
          ], "{}", AgentPath.failed
        ),
        ([], "not json", AgentPath.begin), ([], "{\"bootNonce\":\"../..\"}", AgentPath.begin),
        ([], "[]", AgentPath.begin),
        ([], String(repeating: "[", count: 10_000), AgentPath.begin),
      ] as [([String], String, String)] {
        let lines = headers + ["Content-Length: \(body.utf8.count)", "Host: a"]
        agent.connection.write("POST \(path) HTTP/1.1\r\n\(lines.joined(separator: "\r\n"))\r\n\r\n\(body)")
        #expect(try agent.connection.answer().status == 400, "\(path) \(headers) \(body.prefix(30))")
      }
      let other = try agent.ask("POST", AgentPath.begin, MessageCoder.encode(BeginRequest(bootNonce: BootNonce())))
      #expect(other.status == 404)
    }
  }

  @Test(
    "a body above the limit is refused before it is all there",
    arguments: ["Content-Length: 5000000", "Transfer-Encoding: chunked"])
  func oversize(header: String) async throws {
    let appliance = try BootAppliance()
    try await appliance.serving { port in
      let status = try await raw(port) { connection in
        connection.write("POST \(AgentPath.begin) HTTP/1.1\r\nHost: a\r\n\(header)\r\n\r\n")
        let isChunked = header.hasPrefix("Transfer")
        for _ in 0..<5 {
          let chunk = String(repeating: "x", count: 1_000_000)
          connection.write(isChunked ? "f4240\r\n\(chunk)\r\n" : chunk)
        }
        if isChunked { connection.write("0\r\n\r\n") }
        return try connection.answer().status
      }
      #expect(status == 413)
      #expect(try await raw(port) { try $0.get(FileTests.kernelPath).status } == 200)
    }
  }

  @Test("the cache is open for reading, and closed for writing without a good token")
  func cache() async throws {
    let appliance = try BootAppliance()
    let token = try await appliance.fleet.makeToken(purpose: "cache", lifetime: 60).token
    let other = try await appliance.fleet.makeToken(purpose: "other", lifetime: 60).token
    try await appliance.serving { port in
      try await raw(port) { connection in
        #expect(try connection.get("/cache/nix-cache-info").text.contains("StoreDir: /nix/store"))
        let nar = "/cache/nar/" + String(repeating: "0", count: 52) + ".nar"
        func put(_ path: String, _ authorization: String?) throws -> RawConnection.Answer {
          let lines = ["Host: a", "Content-Length: 4"] + (authorization.map { ["Authorization: \($0)"] } ?? [])
          connection.write("PUT \(path) HTTP/1.1\r\n\(lines.joined(separator: "\r\n"))\r\n\r\nabcd")
          return try connection.answer()
        }
        let basic = Data("user:\(token)".utf8).base64EncodedString()
        let wrong = Data("user:".utf8).base64EncodedString()
        for authorization in [nil, "Bearer ", "Bearer x", "Bearer \(other)", "Basic \(wrong)", "Basic ???", token] {
          let answer = try put(nar, authorization)
          #expect(answer.status == 401 && answer.values("www-authenticate").count == 1, "\(authorization ?? "nothing")")
        }
        for authorization in ["Bearer \(token)", "Basic \(basic)"] {
          #expect(try put("/cache/nix-cache-info", authorization).status == 200)
          // The name is the hash of other content: nothing of it becomes visible.
          #expect(try (400..<500).contains(put(nar, authorization).status))
          #expect(try connection.get(nar).status == 404)
          #expect(try put("/cache/log/x", authorization).status == 403)
          #expect(try put("/cache/" + String(repeating: "0", count: 32) + ".narinfo", authorization).status == 422)
        }
      }
    }
  }
}
