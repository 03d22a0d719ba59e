import AgentProtocol
import FoundationEssentials
import Testing

@Suite("Sealing with age")
struct AgeFileTests {
  /// The identity and the recipient of C2SP age.md, "The X25519 recipient type".
  static let identityText = "AGE-SECRET-KEY-1GFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPQ4EGAEX"
  static let recipientText = "age1zvkyg2lqzraa2lnjvqej32nkuu0ues2s82hzrye869xeexvn73equnujwj"

  @Test("the identity of the specification has the specification's recipient")
  func specificationKeys() throws {
    let identity = try AgeIdentity(secretText: Self.identityText)
    #expect(identity.recipient.description == Self.recipientText)
    #expect(identity.secretText == Self.identityText)
    #expect(try AgeRecipient(Self.recipientText) == identity.recipient)
  }

  @Test("a secret key shows itself nowhere")
  func secretKeysHide() throws {
    let identity = try AgeIdentity(secretText: Self.identityText)
    var dumped = ""
    dump(identity, to: &dumped)
    #expect(!"\(identity)\(String(reflecting: identity))\(dumped)".contains("SECRET"))
  }

  @Test(
    "content of every length around a chunk comes back",
    arguments: [0, 1, 15, 16, 65_535, 65_536, 65_537, 131_072, 200_000])
  func roundTrip(length: Int) throws {
    let identity = AgeIdentity()
    let content = (0..<length).map { UInt8(truncatingIfNeeded: $0 &* 31) }
    let file = try AgeFile.seal(content, to: identity.recipient)
    #expect(try AgeFile.open(file, with: identity) == content)
  }

  @Test("another identity does not open the file")
  func otherIdentity() throws {
    let file = try AgeFile.seal([1, 2, 3], to: AgeIdentity().recipient)
    #expect(throws: AgeError.otherRecipient) { try AgeFile.open(file, with: AgeIdentity()) }
  }

  @Test("no byte of a sealed file can be changed or left out")
  func tampering() throws {
    let identity = AgeIdentity()
    let file = try AgeFile.seal(Array("a secret".utf8), to: identity.recipient)
    for index in file.indices {
      var changed = file
      changed[index] ^= 1
      #expect(throws: AgeError.self, "byte \(index) changed") { try AgeFile.open(changed, with: identity) }
      #expect(throws: AgeError.self, "cut at \(index)") { try AgeFile.open(Array(file[..<index]), with: identity) }
    }
  }

  @Test("chunks can not be dropped from the end or put in another order")
  func chunkOrder() throws {
    let identity = AgeIdentity()
    let file = try AgeFile.seal([UInt8](repeating: 7, count: 3 * 65_536), to: identity.recipient)
    let size = 65_536 + 16
    let start = file.count - 3 * size
    #expect(throws: AgeError.damaged(chunk: 1)) { try AgeFile.open(Array(file.dropLast(size)), with: identity) }
    let swapped =
      file[..<start] + file[(start + size)..<(start + 2 * size)] + file[start..<(start + size)]
      + file[(start + 2 * size)...]
    #expect(throws: AgeError.damaged(chunk: 0)) { try AgeFile.open(Array(swapped), with: identity) }
  }

  @Test(
    "what is no key is refused",
    arguments: [
      "", "age1", "AGE1ZVKYG2LQZRAA2LNJVQEJ32NKUU0UES2S82HZRYE869XEEXVN73EQUNUJWJ",
      "age1zvkyg2lqzraa2lnjvqej32nkuu0ues2s82hzrye869xeexvn73equnujwk", "age1zvkyg", "älter1zvkyg",
      "age1pq1x34nzsvr0rxjsgdn8zgyhfe8j7ceq5r9rdelkjuh3y235jzxshfg87", String(repeating: "a", count: 10_000),
    ])
  func malformedRecipient(text: String) {
    #expect(throws: AgeError.malformedRecipient) { try AgeRecipient(text) }
    #expect(throws: AgeError.malformedIdentity) { try AgeIdentity(secretText: text) }
  }

  /// Sealed with the age 1.1.1 command line tool to the specification's recipient.
  static let sealedByTool =
    "YWdlLWVuY3J5cHRpb24ub3JnL3YxCi0+IFgyNTUxOSBNVHFYcjErNk9uamE4TWZVVStaMWpBSFJUNUJGMm9lNjJnVGhQNGRVSmdz"
    + "CnoyNnBTTjZ5elBiamE0SVE1RmluUEhJTHVKdksrd1J4MWViVmJHN0o3YUEKLS0tIHZzWUtmNTdtNE5HZ3h4cmQvMzVGTG5sRFFZ"
    + "UDFzVCtKeWd1TWl1Y0FqbEUKp0DBQjyEKX3abYirhDSY+3JyLpXjBCJUvHXriKwppUPJ5Ho8a9g1hMViBqOx0csSLp5D"

  @Test("a file of the age tool opens")
  func toolFile() throws {
    let data = try #require(Data(base64Encoded: Self.sealedByTool))
    let content = try AgeFile.open(Array(data), with: AgeIdentity(secretText: Self.identityText))
    #expect(String(decoding: content, as: UTF8.self) == "sealed by the tool\n")
  }
}
