import NixFormats
import NixTestSupport
import Testing

@Suite struct NixTextTests {
  // From Nix itself: nix-hash --to-base32 and --to-sri.
  static let empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

  @Test(
    "a hash is read in every spelling that Nix writes",
    arguments: [
      "sha256:" + empty, "sha256:0mdqa9w1p6cmli6976v4wi0sw9r4p5prkj7lzfd1877wk11c9c73",
      "sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=",
    ])
  func hashSpellings(text: String) throws {
    let hash = try NixHash(text)
    #expect(hash.hexadecimal == Self.empty)
    #expect(hash.description == "sha256:0mdqa9w1p6cmli6976v4wi0sw9r4p5prkj7lzfd1877wk11c9c73")
    #expect(hash.subresourceIntegrity == "sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=")
  }

  @Test(
    "what is no SHA-256 hash is refused",
    arguments: [
      "", "sha256:", "sha1:" + empty, "sha256:" + empty.dropLast(), "sha256:" + empty + "00", "sha256-AAAA",
      "sha256:\u{0}" + empty.dropFirst(), "sha256:0mdqa9w1p6cmli6976v4wi0sw9r4p5prkj7lzfd1877wk11c9c7e",
      "sha256:zmdqa9w1p6cmli6976v4wi0sw9r4p5prkj7lzfd1877wk11c9c73",
      "sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFV=",
    ])
  func hashRefusals(text: String) {
    #expect(throws: NixFormatError.self) { try NixHash(text) }
  }

  @Test("base 32 and base 64 give back what they were given")
  func roundTrips() {
    var random = SeededRandom(seed: 1)
    for count in 0..<70 {
      let bytes = (0..<count).map { _ in UInt8.random(in: 0...255, using: &random) }
      #expect(NixBase32.decode(NixBase32.encode(bytes)) == bytes)
      #expect(Base64.decode(Base64.encode(bytes)) == bytes)
    }
  }

  @Test(
    "base 64 takes one spelling only",
    arguments: ["A", "AA", "AAA", "A===", "AA=A", "AB==", "AA==\n", "AA==AA==", "A-_="])
  func strictBase64(text: String) {
    #expect(Base64.decode(text) == nil)
  }

  @Test(
    "base 64 agrees with RFC 4648, section 10",
    arguments: [
      ("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg=="), ("fooba", "Zm9vYmE="),
      ("foobar", "Zm9vYmFy"),
    ])
  func base64Vectors(plain: String, encoded: String) {
    #expect(Base64.encode(Array(plain.utf8)) == encoded)
    #expect(Base64.decode(encoded) == Array(plain.utf8))
  }

  static let digest = "g1x95iipswg3m56f7lw869i3haqmf46c"

  @Test("a store path has a hash part and a name")
  func storePath() throws {
    let path = try StorePath(absolute: "/nix/store/\(Self.digest)-nixos-system-node1-26.11+a_b?c=d")
    #expect(path.hashPart == Self.digest)
    #expect(path.name == "nixos-system-node1-26.11+a_b?c=d")
    #expect(try StorePath(baseName: path.baseName) == path)
    #expect(throws: Never.self) {
      try StorePath(baseName: Self.digest + "-" + String(repeating: "n", count: StorePath.maximumNameLength))
    }
  }

  @Test(
    "what is no path right below the store is refused",
    arguments: [
      "", "/nix/store", "/nix/store/", "/nix/store/\(digest)", "/nix/store/\(digest)-", "/nix/store/\(digest)-a/b",
      "/nix/store/../\(digest)-a", "/nix/store//\(digest)-a", "/nix/store/\(digest)-..", "/nix/store/\(digest)-.a",
      "/nix/store/\(digest)-a\n", "/nix/store/\(digest)-a\u{0}", "/nix/store/\(digest)-é", "/nix/store/\(digest)_a",
      "/nix/store/\(digest.dropLast())-aa", "/nix/store/e\(digest.dropFirst())-a", "/nix/var/\(digest)-a",
      "/nix/store/\(digest)-a b", "/nix/store/\(digest)-$(id)",
      "/nix/store/\(digest)-" + String(repeating: "n", count: 212),
    ])
  func storePathRefusals(text: String) {
    #expect(throws: NixFormatError.self) { try StorePath(absolute: text) }
  }

  @Test("a key that Nix made is read, and its public half is inside")
  func keys() throws {
    // nix-store --generate-binary-cache-key test-1 secret public
    let secret = try NixSecretKey(
      "test-1:+wIajgHXUBDoSvh13dWfm41zSmnAtHi/cHhgVVs4rXIzVrDUxvcO7bCWm2vDlvnzPJtjjSxWIbqF60EhAo0/Sg==\n")
    #expect(secret.publicKey.description == "test-1:M1aw1Mb3Du2wlptrw5b58zybY40sViG6hetBIQKNP0o=")
    #expect(try NixSecretKey(secret.secretText).seed == secret.seed)
    var shown = "\(secret) "
    dump(secret, to: &shown)
    #expect(!shown.contains("wIajgHX"))
    #expect(!shown.contains("251"))
  }

  @Test(
    "what is no key is refused",
    arguments: [
      "", ":", "name", "name:", ":M1aw1Mb3Du2wlptrw5b58zybY40sViG6hetBIQKNP0o=",
      "a b:M1aw1Mb3Du2wlptrw5b58zybY40sViG6hetBIQKNP0o=",
      "name:M1aw1Mb3Du2wlptrw5b58zybY40sViG6hetBIQKNP0", "name:AAAA",
      "na\nme:M1aw1Mb3Du2wlptrw5b58zybY40sViG6hetBIQKNP0o=",
      "name:" + String(repeating: "A", count: 4000),
    ])
  func keyRefusals(text: String) {
    #expect(throws: NixFormatError.self) { try NixPublicKey(text) }
    #expect(throws: NixFormatError.self) { try NixSecretKey(text) }
  }

  @Test("a refusal shows foreign text without control characters")
  func refusalsAreHarmless() {
    #expect {
      try StorePath(absolute: "/nix/store/\u{1b}[2J\u{202e}\n$(id)")
    } throws: { error in
      "\(error)".unicodeScalars.allSatisfy { $0.value >= 0x20 && $0.value < 0x7f }
    }
  }
}
