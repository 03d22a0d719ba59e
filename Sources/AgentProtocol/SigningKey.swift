import Crypto
import FoundationEssentials

/// The public half of an Ed25519 key: 32 bytes, written as base64.
public struct SigningPublicKey: Hashable, Sendable, CustomStringConvertible {
  /// 32 bytes (RFC 8032, 5.1.5).
  public let bytes: [UInt8]

  /// - Throws: ``SignatureError/malformedKey`` unless there are 32 bytes.
  public init(bytes: some Collection<UInt8>) throws(SignatureError) {
    guard bytes.count == 32 else { throw .malformedKey }
    self.bytes = Array(bytes)
  }

  /// Parses base64.
  public init(_ text: String) throws(SignatureError) {
    guard text.utf8.count <= 64, let data = Data(base64Encoded: text) else { throw .malformedKey }
    try self.init(bytes: data)
  }

  /// Base64.
  public var description: String { Data(bytes).base64EncodedString() }

  /// True when `signature` was made over `message` by the other half of this key.
  public func accepts(signature: [UInt8], of message: [UInt8]) -> Bool {
    guard let key = try? Curve25519.Signing.PublicKey(rawRepresentation: bytes) else { return false }
    return key.isValidSignature(signature, for: message)
  }
}

extension SigningPublicKey: Codable {
  public init(from decoder: any Decoder) throws {
    self = try SigningPublicKey(decoder.singleValueContainer().decode(String.self))
  }

  public func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    try container.encode(description)
  }
}

/// The secret half of an Ed25519 key. Its description never shows it, and it is not Codable, so that it can not reach
/// a log or a message by accident.
public struct SigningPrivateKey: Sendable, CustomStringConvertible, CustomReflectable {
  private let key: Curve25519.Signing.PrivateKey
  /// What others verify with.
  public let publicKey: SigningPublicKey

  /// A new random key.
  public init() throws(SignatureError) { try self.init(key: Curve25519.Signing.PrivateKey()) }

  /// Reads the 32 bytes that ``secretBytes`` gave.
  public init(secretBytes: some Collection<UInt8>) throws(SignatureError) {
    guard let key = try? Curve25519.Signing.PrivateKey(rawRepresentation: Array(secretBytes)) else {
      throw .malformedKey
    }
    try self.init(key: key)
  }

  private init(key: Curve25519.Signing.PrivateKey) throws(SignatureError) {
    self.key = key
    publicKey = try SigningPublicKey(bytes: key.publicKey.rawRepresentation)
  }

  /// The 32 byte seed, to be stored with mode 0600.
  public var secretBytes: [UInt8] { Array(key.rawRepresentation) }

  /// A 64 byte signature (RFC 8032, 5.1.6).
  public func signature(of message: [UInt8]) throws(SignatureError) -> [UInt8] {
    do { return Array(try key.signature(for: message)) } catch { throw .signingFailed }
  }

  public var description: String { "signing key of \(publicKey)" }
  public var customMirror: Mirror { Mirror(self, children: ["publicKey": publicKey]) }
}
