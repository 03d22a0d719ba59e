import FoundationEssentials

/// What the appliance promises before it has seen the agent's keys: `SHA-256` over its own public key and a nonce that
/// it opens only after the agent's hello.
///
/// Without it, somebody in the middle could try key pairs until the short codes of both sides are the same; with it,
/// there is one guess in 2^30 for each boot (the shape of Bluetooth's numeric comparison and of ZRTP).
public struct ClaimCommitment: Hashable, Sendable {
  /// 32 bytes.
  public let bytes: [UInt8]

  /// The commitment of the appliance with this key to this nonce.
  public init(applianceKey: SigningPublicKey, serverNonce: ClaimNonce) {
    bytes = digest(Array("bootstead-commit-v1".utf8) + applianceKey.bytes + serverNonce.bytes)
  }

  /// - Throws: ``SignatureError/wrongCommitment`` when the nonce is not the one committed to.
  public func check(applianceKey: SigningPublicKey, serverNonce: ClaimNonce) throws(SignatureError) {
    let expected = ClaimCommitment(applianceKey: applianceKey, serverNonce: serverNonce)
    guard equalInConstantTime(bytes, expected.bytes) else { throw .wrongCommitment }
  }
}

extension ClaimCommitment: Codable {
  public init(from decoder: any Decoder) throws {
    let text = try decoder.singleValueContainer().decode(String.self)
    guard text.utf8.count <= 64, let data = Data(base64Encoded: text), data.count == 32 else {
      throw SignatureError.wrongCommitment
    }
    bytes = Array(data)
  }

  public func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    try container.encode(Data(bytes).base64EncodedString())
  }
}
