/// A binary cache's ed25519 key as anybody may see it: one line `NAME:BASE64` with 32 bytes.
public struct NixPublicKey: Hashable, Sendable, CustomStringConvertible {
  public let name: String
  /// 32 bytes.
  public let bytes: [UInt8]

  /// - Parameters:
  ///   - name: without `:`, white space and control characters, 1 to 128 bytes.
  ///   - bytes: 32 bytes.
  public init(name: String, bytes: [UInt8]) throws(NixFormatError) {
    try NixKeyText.check(name: name)
    guard bytes.count == 32 else { throw .invalidKey(reason: "a public key has 32 bytes, this one \(bytes.count)") }
    self.name = name
    self.bytes = bytes
  }

  public init(_ text: some StringProtocol) throws(NixFormatError) {
    let (name, bytes) = try NixKeyText.parse(text)
    try self.init(name: name, bytes: bytes)
  }

  public var description: String { name + ":" + Base64.encode(bytes) }
}

/// A binary cache's signing key: one line `NAME:BASE64` with 64 bytes, the seed and the public key (libsodium's form).
///
/// It prints nothing of itself.
public struct NixSecretKey: Sendable, CustomStringConvertible, CustomReflectable {
  public let name: String
  /// 32 bytes, of which the private key is made.
  public let seed: [UInt8]
  public let publicKey: NixPublicKey

  public init(name: String, seed: [UInt8], publicKey: [UInt8]) throws(NixFormatError) {
    try NixKeyText.check(name: name)
    guard seed.count == 32 else { throw .invalidKey(reason: "a seed has 32 bytes, this one \(seed.count)") }
    self.name = name
    self.seed = seed
    self.publicKey = try NixPublicKey(name: name, bytes: publicKey)
  }

  public init(_ text: some StringProtocol) throws(NixFormatError) {
    let (name, bytes) = try NixKeyText.parse(text)
    guard bytes.count == 64 else { throw .invalidKey(reason: "a secret key has 64 bytes, this one \(bytes.count)") }
    try self.init(name: name, seed: Array(bytes[..<32]), publicKey: Array(bytes[32...]))
  }

  /// The line for the key file. Secret.
  public var secretText: String { name + ":" + Base64.encode(seed + publicKey.bytes) }

  public var description: String { "secret key \(name)" }
  public var customMirror: Mirror { Mirror(self, children: ["name": name]) }
}

/// A signature of a narinfo: `KEYNAME:BASE64` with 64 bytes.
public struct NixSignature: Hashable, Sendable, CustomStringConvertible {
  public let keyName: String
  /// 64 bytes.
  public let bytes: [UInt8]

  public init(keyName: String, bytes: [UInt8]) throws(NixFormatError) {
    try NixKeyText.check(name: keyName)
    guard bytes.count == 64 else { throw .invalidSignature(keyName) }
    self.keyName = keyName
    self.bytes = bytes
  }

  public init(_ text: some StringProtocol) throws(NixFormatError) {
    guard let (name, bytes) = try? NixKeyText.parse(text) else { throw .invalidSignature(String(text.prefix(80))) }
    try self.init(keyName: name, bytes: bytes)
  }

  public var description: String { keyName + ":" + Base64.encode(bytes) }
}

/// `NAME:BASE64`, which keys and signatures share.
enum NixKeyText {
  static func parse(_ text: some StringProtocol) throws(NixFormatError) -> (name: String, bytes: [UInt8]) {
    guard text.utf8.count <= 512 else { throw .tooLarge(what: "the key", bytes: text.utf8.count, limit: 512) }
    var line = Substring(text)
    while line.utf8.last == UInt8(ascii: "\n") { line = line.dropLast() }
    guard let colon = line.firstIndex(of: ":") else { throw .invalidKey(reason: "there is no colon in it") }
    let name = String(line[..<colon])
    try check(name: name)
    guard let bytes = Base64.decode(line[line.index(after: colon)...]) else {
      throw .invalidKey(reason: "what follows the colon is not base 64")
    }
    return (name, bytes)
  }

  static func check(name: String) throws(NixFormatError) {
    guard !name.isEmpty, name.utf8.count <= 128 else { throw .invalidKey(reason: "its name has 1 to 128 characters") }
    guard name.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7f && $0 != UInt8(ascii: ":") }) else {
      throw .invalidKey(reason: "its name has a colon, white space or a character outside ASCII")
    }
  }
}
