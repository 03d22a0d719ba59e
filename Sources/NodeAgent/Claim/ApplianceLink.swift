import AgentProtocol
import HTTPConnection

/// The conversation with the appliance: one request after another, each signed by the agent's key, each answer checked
/// against the appliance's key.
public actor ApplianceLink {
  private let client: HTTPClient
  private let appliance: SigningPublicKey
  private let key: SigningPrivateKey
  private var session: SessionIdentifier?
  private var counter: UInt64
  private var isBusy = false
  private var waiting: [CheckedContinuation<Void, Never>] = []

  /// - Parameters:
  ///   - session: the session to speak in; nil until a claim made one.
  ///   - counter: the number of the last request in that session.
  public init(
    client: HTTPClient, appliance: SigningPublicKey, key: SigningPrivateKey, session: SessionIdentifier? = nil,
    counter: UInt64 = 0
  ) {
    self.client = client
    self.appliance = appliance
    self.key = key
    self.session = session
    self.counter = counter
  }

  /// Begins a claim and says hello, with the same keys however often it is called.
  /// - Returns: the code to show, and the machine's name if it has one.
  public func claim(
    bootNonce: BootNonce, recipient: AgeRecipient, inventory: MachineInventory
  ) async throws(LinkError) -> Claim {
    await lock()
    defer { unlock() }
    let beginBody = try encode(BeginRequest(bootNonce: bootNonce))
    let opening = SignedRequest.unsigned(method: "POST", path: AgentPath.begin, body: beginBody)
    let promise = try decode(BeginAnswer.self, from: try await exchange(opening, body: beginBody))
    session = promise.session
    counter = 0
    let hello = HelloRequest(
      session: promise.session, bootNonce: bootNonce, agentKey: key.publicKey, recipient: recipient,
      agentNonce: ClaimNonce(), inventory: inventory)
    let helloBody = try encode(hello)
    let answer = try decode(
      HelloAnswer.self, from: try await exchange(try sign("POST", AgentPath.hello, helloBody), body: helloBody))
    do {
      try promise.commitment.check(applianceKey: appliance, serverNonce: answer.serverNonce)
    } catch {
      session = nil
      throw .forged(error)
    }
    return Claim(
      code: ShortCode(
        applianceKey: appliance, serverNonce: answer.serverNonce, agentKey: key.publicKey, recipient: recipient,
        agentNonce: hello.agentNonce, bootNonce: bootNonce),
      machineName: answer.machineName)
  }

  public func get<Answer: Decodable & Sendable>(
    _ path: String, as type: Answer.Type
  ) async throws(LinkError) -> Answer {
    try decode(type, from: try await call("GET", path, []))
  }

  public func post(_ path: String, _ message: some Encodable & Sendable) async throws(LinkError) {
    _ = try await call("POST", path, try encode(message))
  }

  /// - Returns: nil where the appliance answers nothing.
  public func post<Answer: Decodable & Sendable>(
    _ path: String, _ message: some Encodable & Sendable, as type: Answer.Type
  ) async throws(LinkError) -> Answer? {
    let body = try await call("POST", path, try encode(message))
    return body.isEmpty ? nil : try decode(type, from: body)
  }

  /// The number of the last request.
  public var lastCounter: UInt64 { counter }

  private func call(_ method: String, _ path: String, _ body: [UInt8]) async throws(LinkError) -> [UInt8] {
    await lock()
    defer { unlock() }
    return try await exchange(try sign(method, path, body), body: body)
  }

  private func sign(_ method: String, _ path: String, _ body: [UInt8]) throws(LinkError) -> SignedRequest {
    guard let session else {
      throw .refused(AgentRefusal(code: .unknownSession, message: "there is no session yet"))
    }
    counter += 1
    do {
      return try SignedRequest.sign(
        method: method, path: path, body: body, session: session, counter: counter, key: key)
    } catch {
      throw .notSigned(error)
    }
  }

  private func exchange(_ request: SignedRequest, body: [UInt8]) async throws(LinkError) -> [UInt8] {
    var headers = request.headers
    if !body.isEmpty { headers.append(("content-type", "application/json")) }
    let answer: CollectedResponse
    do {
      answer = try await client.collect(
        ClientRequest(
          method: request.method, path: request.path, headers: headers, body: body.isEmpty ? .none : .bytes(body)),
        limit: MessageCoder.limit)
    } catch {
      throw .network(error)
    }
    do {
      try SignedResponse(status: answer.status, body: answer.body) { answer.headers[$0] }
        .verify(answering: request, by: appliance)
    } catch {
      throw .forged(error)
    }
    guard answer.status >= 400 else { return answer.body }
    guard let refusal = try? MessageCoder.decode(AgentRefusal.self, from: answer.body) else {
      throw .unexpectedStatus(answer.status)
    }
    if refusal.code == .unknownSession { session = nil }
    throw .refused(refusal)
  }

  private func encode(_ message: some Encodable) throws(LinkError) -> [UInt8] {
    do { return try MessageCoder.encode(message) } catch { throw .malformed(error) }
  }

  private func decode<Answer: Decodable>(_ type: Answer.Type, from body: [UInt8]) throws(LinkError) -> Answer {
    do { return try MessageCoder.decode(type, from: body) } catch { throw .malformed(error) }
  }

  // One request at a time: the appliance wants rising numbers in the order of their arrival.

  private func lock() async {
    guard isBusy else {
      isBusy = true
      return
    }
    await withCheckedContinuation { waiting.append($0) }
  }

  private func unlock() {
    if waiting.isEmpty { isBusy = false } else { waiting.removeFirst().resume() }
  }
}

/// What a claim gave.
public struct Claim: Hashable, Sendable {
  public var code: ShortCode
  public var machineName: String?
}
