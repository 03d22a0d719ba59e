import AgentProtocol
import Testing

@Suite("Commit, reveal and short code")
struct ClaimTests {
  /// One side's view of a claim.
  struct View {
    var applianceKey: SigningPublicKey
    var serverNonce: ClaimNonce
    var agentKey: SigningPublicKey
    var recipient = AgeIdentity().recipient
    var agentNonce = ClaimNonce()
    var bootNonce = BootNonce()

    var code: ShortCode {
      ShortCode(
        applianceKey: applianceKey, serverNonce: serverNonce, agentKey: agentKey, recipient: recipient,
        agentNonce: agentNonce, bootNonce: bootNonce)
    }
  }

  private func view() throws -> View {
    View(
      applianceKey: try SigningPrivateKey().publicKey, serverNonce: ClaimNonce(),
      agentKey: try SigningPrivateKey().publicKey)
  }

  @Test("an appliance that keeps its promise is believed, one that opens another nonce is not")
  func commitment() throws {
    let view = try view()
    let commitment = ClaimCommitment(applianceKey: view.applianceKey, serverNonce: view.serverNonce)
    try commitment.check(applianceKey: view.applianceKey, serverNonce: view.serverNonce)
    #expect(throws: SignatureError.wrongCommitment) {
      try commitment.check(applianceKey: view.applianceKey, serverNonce: ClaimNonce())
    }
    #expect(throws: SignatureError.wrongCommitment) {
      try commitment.check(applianceKey: view.agentKey, serverNonce: view.serverNonce)
    }
  }

  @Test("both sides see the same code exactly when they agree on everything")
  func codes() throws {
    let agent = try view()
    #expect(agent.code == agent.code)
    var others: [View] = []
    func other(_ change: (inout View) throws -> Void) rethrows {
      var copy = agent
      try change(&copy)
      others.append(copy)
    }
    try other { $0.applianceKey = try SigningPrivateKey().publicKey }
    try other { $0.agentKey = try SigningPrivateKey().publicKey }
    other { $0.serverNonce = ClaimNonce() }
    other { $0.recipient = AgeIdentity().recipient }
    other { $0.agentNonce = ClaimNonce() }
    other { $0.bootNonce = BootNonce() }
    // Six codes of 30 bits: two are equal by chance once in 10^8 runs.
    for other in others { #expect(other.code != agent.code) }
  }

  @Test("the code of fixed values never changes")
  func goldenCode() throws {
    let key = try SigningPublicKey(bytes: [UInt8](repeating: 1, count: 32))
    let view = View(
      applianceKey: key, serverNonce: try ClaimNonce(bytes: [UInt8](repeating: 2, count: 32)),
      agentKey: try SigningPublicKey(bytes: [UInt8](repeating: 3, count: 32)),
      recipient: try AgeRecipient("age1zvkyg2lqzraa2lnjvqej32nkuu0ues2s82hzrye869xeexvn73equnujwj"),
      agentNonce: try ClaimNonce(bytes: [UInt8](repeating: 5, count: 32)),
      bootNonce: try BootNonce("000102030405060708090a0b0c0d0e0f"))
    #expect(view.code.description == "IMQ-BM5")
  }

  @Test("a code is read as people type it", arguments: ["K7Q-4MD", "k7q4md", "K7Q 4MD", "k7q-4md"])
  func spelling(text: String) throws {
    #expect(try ShortCode(text).description == "K7Q-4MD")
  }

  @Test("what is no code is refused", arguments: ["", "K7Q-4M", "K7Q-4MDA", "K7Q-4M1", "K7Q-4M8", "ßßß"])
  func malformedCodes(text: String) {
    #expect(throws: SignatureError.malformedCode(text)) { try ShortCode(text) }
  }

  @Test("a boot nonce has 32 lower-case digits", arguments: ["", "00", "000102030405060708090A0B0C0D0E0F", "+0"])
  func malformedNonces(text: String) throws {
    #expect(throws: SignatureError.malformedNonce) { try BootNonce(text) }
    let nonce = BootNonce()
    #expect(try BootNonce(nonce.description) == nonce)
  }

  @Test("a node's session follows from its key")
  func nodeSession() throws {
    let key = try SigningPrivateKey().publicKey
    #expect(SessionIdentifier(node: key) == SessionIdentifier(node: key))
    #expect(SessionIdentifier(node: key) != SessionIdentifier(node: try SigningPrivateKey().publicKey))
  }
}
