import AgentProtocol
import Testing

@Suite("Take-over tokens")
struct TakeoverTokenTests {
  @Test("a token survives being carried by hand, and knows its appliance")
  func carried() throws {
    let key = try SigningPrivateKey().publicKey
    let token = TakeoverToken(appliance: key)
    let read = try TakeoverToken(token.text)
    #expect(read.appliance == key)
    #expect(read.identifier == token.identifier)
    #expect(read.proofKey == token.proofKey)
  }

  @Test("neither its name, its description nor what the appliance keeps shows the secret")
  func secret() throws {
    let token = TakeoverToken(appliance: try SigningPrivateKey().publicKey)
    let secret = String(token.text.prefix(32))
    #expect(!token.description.contains(secret))
    #expect(!token.identifier.contains(secret.prefix(16)))
    #expect(!String(reflecting: token).contains(secret))
    var dumped = ""
    dump(token, to: &dumped)
    #expect(!dumped.contains(secret))
  }

  @Test(
    "what is no token is refused",
    arguments: [
      "", ".", "abc", "00112233445566778899aabbccddeeff", "00112233445566778899aabbccddeeff.AAAA", "zz.zz", "...",
    ])
  func refused(text: String) {
    #expect(throws: SignatureError.self) { try TakeoverToken(text) }
  }

  @Test("a proof is good for its token, path and body only")
  func proof() throws {
    let appliance = try SigningPrivateKey().publicKey
    let (token, other) = (TakeoverToken(appliance: appliance), TakeoverToken(appliance: appliance))
    let body = Array("{}".utf8)
    let proof = TakeoverProof.make(key: token.proofKey, path: TakeoverPath.begin, body: body)
    #expect(TakeoverProof.accepts(proof, key: token.proofKey, path: TakeoverPath.begin, body: body))
    #expect(!TakeoverProof.accepts(proof, key: other.proofKey, path: TakeoverPath.begin, body: body))
    #expect(!TakeoverProof.accepts(proof, key: token.proofKey, path: TakeoverPath.step, body: body))
    #expect(!TakeoverProof.accepts(proof, key: token.proofKey, path: TakeoverPath.begin, body: body + [32]))
    #expect(!TakeoverProof.accepts("", key: token.proofKey, path: TakeoverPath.begin, body: body))
  }
}
