import Crypto

/// The public half of an age X25519 key: `age1…`.
public struct AgeRecipient: Hashable, Sendable, CustomStringConvertible {
  /// 32 bytes.
  public let bytes: [UInt8]

  /// - Throws: ``AgeError/malformedRecipient``.
  public init(_ text: String) throws(AgeError) {
    guard let bytes = Bech32.decode(prefix: "age", text: text), bytes.count == 32, text == text.lowercased() else {
      throw .malformedRecipient
    }
    self.bytes = bytes
  }

  init(bytes: [UInt8]) { self.bytes = bytes }

  /// `age1…`
  public var description: String { Bech32.encode(prefix: "age", bytes: bytes) }
}

extension AgeRecipient: Codable {
  public init(from decoder: any Decoder) throws {
    self = try AgeRecipient(decoder.singleValueContainer().decode(String.self))
  }

  public func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    try container.encode(description)
  }
}

/// The secret half of an age X25519 key. Its description never shows it, and it is not Codable.
public struct AgeIdentity: Sendable, CustomStringConvertible, CustomReflectable {
  let key: Curve25519.KeyAgreement.PrivateKey
  /// What others seal to.
  public let recipient: AgeRecipient

  /// A new random identity.
  public init() { self.init(key: Curve25519.KeyAgreement.PrivateKey()) }

  /// Parses `AGE-SECRET-KEY-1…`.
  /// - Throws: ``AgeError/malformedIdentity``.
  public init(secretText: String) throws(AgeError) {
    guard let bytes = Bech32.decode(prefix: "age-secret-key-", text: secretText),
      let key = try? Curve25519.KeyAgreement.PrivateKey(rawRepresentation: bytes)
    else { throw .malformedIdentity }
    self.init(key: key)
  }

  private init(key: Curve25519.KeyAgreement.PrivateKey) {
    self.key = key
    recipient = AgeRecipient(bytes: Array(key.publicKey.rawRepresentation))
  }

  /// `AGE-SECRET-KEY-1…`, to be stored with mode 0600.
  public var secretText: String {
    Bech32.encode(prefix: "age-secret-key-", bytes: Array(key.rawRepresentation)).uppercased()
  }

  public var description: String { "age identity of \(recipient)" }
  public var customMirror: Mirror { Mirror(self, children: ["recipient": recipient]) }
}
