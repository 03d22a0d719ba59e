import FoundationEssentials

/// 256 random bits that one side of a claim adds, so that the other can not choose the short code. Base64 in messages.
public struct ClaimNonce: Hashable, Sendable {
  /// 32 bytes.
  public let bytes: [UInt8]

  /// A new random nonce.
  public init() { bytes = randomBytes(32) }

  /// - Throws: ``SignatureError/malformedNonce`` unless there are 32 bytes.
  public init(bytes: some Collection<UInt8>) throws(SignatureError) {
    guard bytes.count == 32 else { throw .malformedNonce }
    self.bytes = Array(bytes)
  }
}

extension ClaimNonce: Codable {
  public init(from decoder: any Decoder) throws {
    let text = try decoder.singleValueContainer().decode(String.self)
    guard text.utf8.count <= 64, let data = Data(base64Encoded: text) else { throw SignatureError.malformedNonce }
    self = try ClaimNonce(bytes: data)
  }

  public func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    try container.encode(Data(bytes).base64EncodedString())
  }
}
