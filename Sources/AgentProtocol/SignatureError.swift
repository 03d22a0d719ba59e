/// Why a signed message was not made or not accepted.
public enum SignatureError: Error, Equatable, Sendable, CustomStringConvertible {
  case malformedKey
  case malformedSession(String)
  case missingHeader(String)
  case malformedHeader(String)
  case signingFailed
  case wrongSignature
  case replayed(counter: UInt64, last: UInt64)
  case wrongCommitment
  case malformedNonce
  case malformedCode(String)

  public var description: String {
    switch self {
    case .malformedKey: "an Ed25519 key has 32 bytes, written as base64"
    case .malformedSession(let text): "'\(text.prefix(64))' is not a session; it has 32 lower-case hexadecimal digits"
    case .missingHeader(let name): "the message has no header '\(name)', so it is not signed"
    case .malformedHeader(let name): "the header '\(name)' can not be read"
    case .signingFailed: "the message could not be signed"
    case .wrongSignature: "the signature does not fit the message: it was changed on its way or made by another key"
    case .replayed(let counter, let last):
      "message \(counter) comes after message \(last) of the same session: it was replayed or overtaken"
    case .wrongCommitment:
      "the appliance opened another nonce than it had committed to: somebody stands between it and this machine"
    case .malformedNonce: "a boot nonce has 32 lower-case hexadecimal digits, any other nonce 32 bytes as base64"
    case .malformedCode(let text): "'\(text.prefix(16))' is not a short code; it looks like K7Q-4MD"
    }
  }
}
