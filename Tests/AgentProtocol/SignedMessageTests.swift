import AgentProtocol
import Testing

@Suite("Signed requests and answers")
struct SignedMessageTests {
  let agent: SigningPrivateKey
  let appliance: SigningPrivateKey
  let session = SessionIdentifier()

  init() throws {
    agent = try SigningPrivateKey()
    appliance = try SigningPrivateKey()
  }

  private func request(
    method: String = "POST", path: String = AgentPath.progress, body: String = "{}", counter: UInt64 = 7,
    session: SessionIdentifier? = nil
  ) throws -> SignedRequest {
    try SignedRequest.sign(
      method: method, path: path, body: Array(body.utf8), session: session ?? self.session, counter: counter,
      key: agent)
  }

  private func received(
    _ sent: SignedRequest, method: String = "POST", path: String = AgentPath.progress, body: String = "{}",
    change: [String: String] = [:]
  ) throws -> SignedRequest {
    try SignedRequest(method: method, path: path, body: Array(body.utf8)) { name in
      change[name] ?? sent.headers.first { $0.name == name }?.value
    }
  }

  @Test("a signed request arrives as it was sent")
  func requestRoundTrip() throws {
    let sent = try request()
    let arrived = try received(sent)
    #expect(arrived == sent)
    try arrived.verify(by: agent.publicKey)
  }

  @Test("a request whose method, path, body, counter or session was changed is refused")
  func requestTampering() throws {
    let sent = try request()
    let changed = [
      try received(sent, method: "PUT"), try received(sent, path: AgentPath.installed),
      try received(sent, path: AgentPath.progress + "?x"), try received(sent, body: "{ }"),
      try received(sent, body: ""), try received(sent, change: [SignedRequest.Header.counter: "8"]),
      try received(sent, change: [SignedRequest.Header.session: SessionIdentifier().description]),
    ]
    for arrived in changed {
      #expect(throws: SignatureError.wrongSignature) { try arrived.verify(by: agent.publicKey) }
    }
    #expect(throws: SignatureError.wrongSignature) { try sent.verify(by: appliance.publicKey) }
  }

  @Test("fields can not flow into each other")
  func fieldBorders() throws {
    let sent = try request(method: "POST", path: "/a")
    let arrived = try received(sent, method: "POST/", path: "a")
    #expect(throws: SignatureError.wrongSignature) { try arrived.verify(by: agent.publicKey) }
  }

  @Test(
    "a header that can not be read is named",
    arguments: [
      (SignedRequest.Header.counter, "-1"), (SignedRequest.Header.counter, "+1"),
      (SignedRequest.Header.counter, "18446744073709551616"), (SignedRequest.Header.counter, ""),
      (SignedRequest.Header.signature, "AAAA"), (SignedRequest.Header.signature, "%"),
      (SignedRequest.Header.signature, String(repeating: "A", count: 100_000)),
    ])
  func malformedHeaders(name: String, value: String) throws {
    let sent = try request()
    #expect(throws: SignatureError.malformedHeader(name)) { try received(sent, change: [name: value]) }
  }

  @Test("a request without its headers is refused")
  func missingHeaders() {
    #expect(throws: SignatureError.missingHeader(SignedRequest.Header.session)) {
      try SignedRequest(method: "GET", path: AgentPath.task, body: []) { _ in nil }
    }
  }

  @Test("the unsigned opening request never passes for a signed one")
  func unsignedRequest() {
    let opening = SignedRequest.unsigned(method: "POST", path: AgentPath.begin, body: [])
    #expect(throws: SignatureError.wrongSignature) { try opening.verify(by: agent.publicKey) }
  }

  @Test("counters only rise")
  func counters() throws {
    var counter = SessionCounter()
    try counter.accept(1)
    try counter.accept(5)
    for repeated in [UInt64(5), 4, 1, 0] {
      #expect(throws: SignatureError.replayed(counter: repeated, last: 5)) { try counter.accept(repeated) }
    }
    try counter.accept(.max)
    #expect(throws: SignatureError.replayed(counter: .max, last: .max)) { try counter.accept(.max) }
  }

  private func answer(_ sent: SignedResponse, status: Int, body: String) throws -> SignedResponse {
    try SignedResponse(status: status, body: Array(body.utf8)) { name in
      sent.headers.first { $0.name == name }?.value
    }
  }

  @Test("an answer passes for its own request with its own status and body only")
  func answers() throws {
    let asked = try request(counter: 1)
    let sent = try SignedResponse.sign(status: 200, body: Array("yes".utf8), answering: asked, key: appliance)
    try answer(sent, status: 200, body: "yes").verify(answering: asked, by: appliance.publicKey)
    for changed in [try answer(sent, status: 201, body: "yes"), try answer(sent, status: 200, body: "no")] {
      #expect(throws: SignatureError.wrongSignature) {
        try changed.verify(answering: asked, by: appliance.publicKey)
      }
    }
    #expect(throws: SignatureError.wrongSignature) { try sent.verify(answering: asked, by: agent.publicKey) }
    let others = [
      try request(counter: 2), try request(body: "{ }", counter: 1),
      try request(counter: 1, session: SessionIdentifier()),
    ]
    for other in others {
      #expect(throws: SignatureError.wrongSignature) { try sent.verify(answering: other, by: appliance.publicKey) }
    }
  }

  @Test("an answer to one agent does not pass for the same question of another")
  func answersOfOtherAgents() throws {
    let other = try SigningPrivateKey()
    let asked = try SignedRequest.sign(
      method: "GET", path: AgentPath.task, body: [], session: session, counter: 1, key: agent)
    let askedByOther = try SignedRequest.sign(
      method: "GET", path: AgentPath.task, body: [], session: session, counter: 1, key: other)
    let sent = try SignedResponse.sign(status: 200, body: [], answering: askedByOther, key: appliance)
    #expect(throws: SignatureError.wrongSignature) { try sent.verify(answering: asked, by: appliance.publicKey) }
  }

  @Test("an answer without a signature is refused")
  func unsignedAnswer() {
    #expect(throws: SignatureError.missingHeader(SignedRequest.Header.signature)) {
      try SignedResponse(status: 200, body: []) { _ in nil }
    }
  }

  @Test("a private key comes back from its bytes, and shows itself nowhere")
  func privateKeys() throws {
    let copy = try SigningPrivateKey(secretBytes: agent.secretBytes)
    #expect(copy.publicKey == agent.publicKey)
    var dumped = ""
    dump(agent, to: &dumped)
    #expect(dumped.contains(agent.publicKey.description))
    #expect("\(agent)" == "signing key of \(agent.publicKey)")
    #expect(throws: SignatureError.malformedKey) { try SigningPrivateKey(secretBytes: [1, 2, 3]) }
    #expect(throws: SignatureError.malformedKey) { try SigningPublicKey("AAAA") }
  }
}
