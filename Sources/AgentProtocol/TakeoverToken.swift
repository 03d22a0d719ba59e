import Crypto
import FoundationEssentials

/// Lets one machine that runs some other system begin its take-over, once. The text that the operator carries to the
/// machine holds the appliance's public key too, so that both sides know each other.
///
/// The secret itself never travels: requests carry a proof made with it, and the appliance keeps its hash alone.
public struct TakeoverToken: Sendable, CustomStringConvertible, CustomReflectable {
  private let secret: [UInt8]
  public let appliance: SigningPublicKey

  /// A new one, of 128 random bits.
  public init(appliance: SigningPublicKey) {
    secret = randomBytes(16)
    self.appliance = appliance
  }

  /// Reads what ``text`` gave.
  /// - Throws: ``SignatureError/malformedNonce``, ``SignatureError/malformedKey``.
  public init(_ text: some StringProtocol) throws(SignatureError) {
    let parts = text.split(separator: ".", omittingEmptySubsequences: false)
    guard parts.count == 2, let secret = bytes(hexadecimal: String(parts[0]), count: 16) else { throw .malformedNonce }
    self.secret = secret
    appliance = try SigningPublicKey(String(parts[1]))
  }

  /// What the operator carries. A secret.
  public var text: String { hexadecimal(secret) + ".\(appliance)" }

  /// Names the token without giving it away: 16 hexadecimal digits.
  public var identifier: String { String(hexadecimal(derived("bootstead-takeover-name-v1")).prefix(16)) }

  /// What the appliance keeps of it.
  public var proofKey: [UInt8] { derived("bootstead-takeover-proof-v1") }

  private func derived(_ domain: String) -> [UInt8] {
    var payload = SignedPayload(domain: domain)
    payload.append(secret)
    return digest(payload.bytes)
  }

  public var description: String { "take-over token \(identifier)" }
  public var customMirror: Mirror { Mirror(self, children: ["identifier": identifier]) }
}

/// Shows that whoever sends a request knows the token.
public enum TakeoverProof {
  /// The names of the headers, in lower case.
  public enum Header {
    public static let token = "bootstead-token"
    public static let proof = "bootstead-proof"
  }

  /// 64 hexadecimal digits over path and body.
  public static func make(key: [UInt8], path: String, body: [UInt8]) -> String {
    hexadecimal(Array(HMAC<SHA256>.authenticationCode(for: payload(path, body), using: SymmetricKey(data: key))))
  }

  public static func accepts(_ proof: String, key: [UInt8], path: String, body: [UInt8]) -> Bool {
    guard let code = bytes(hexadecimal: proof, count: 32) else { return false }
    return HMAC<SHA256>.isValidAuthenticationCode(
      code, authenticating: payload(path, body), using: SymmetricKey(data: key))
  }

  private static func payload(_ path: String, _ body: [UInt8]) -> [UInt8] {
    var payload = SignedPayload(domain: "bootstead-takeover-request-v1")
    payload.append(path)
    payload.append(body)
    return payload.bytes
  }
}
