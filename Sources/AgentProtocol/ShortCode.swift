/// Six characters that the machine's console and the operator's terminal both show: the same on both sides exactly
/// when nobody stands between them.
public struct ShortCode: Hashable, Sendable, CustomStringConvertible {
  /// 30 bits.
  public let value: UInt32

  /// RFC 4648, 6: no 0, 1, 8, 9, which a tired reader takes for O, I, B, g.
  private static let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567")

  /// The first 30 bits of SHA-256 over all that the two sides chose. Every field has a fixed length.
  public init(
    applianceKey: SigningPublicKey, serverNonce: ClaimNonce, agentKey: SigningPublicKey, recipient: AgeRecipient,
    agentNonce: ClaimNonce, bootNonce: BootNonce
  ) {
    let hash = digest(
      Array("bootstead-code-v1".utf8) + applianceKey.bytes + serverNonce.bytes + agentKey.bytes + recipient.bytes
        + agentNonce.bytes + bootNonce.bytes)
    value = hash.prefix(4).reduce(0) { $0 << 8 | UInt32($1) } >> 2
  }

  /// Parses `K7Q-4MD`, in either case, with or without the hyphen.
  /// - Throws: ``SignatureError/malformedCode(_:)``.
  public init(_ text: String) throws(SignatureError) {
    guard text.utf8.count <= 16, text.utf8.allSatisfy({ $0 < 128 }) else { throw .malformedCode(text) }
    let characters = text.uppercased().filter { $0 != "-" && $0 != " " }
    var value: UInt32 = 0
    guard characters.count == 6 else { throw .malformedCode(text) }
    for character in characters {
      guard let index = ShortCode.alphabet.firstIndex(of: character) else { throw .malformedCode(text) }
      value = value << 5 | UInt32(index)
    }
    self.value = value
  }

  /// `K7Q-4MD`
  public var description: String {
    let characters = (0..<6).map { ShortCode.alphabet[Int(value >> (25 - 5 * UInt32($0)) & 31)] }
    return String(characters[0..<3]) + "-" + String(characters[3..<6])
  }
}

extension ShortCode: Codable {
  public init(from decoder: any Decoder) throws {
    self = try ShortCode(decoder.singleValueContainer().decode(String.self))
  }

  public func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    try container.encode(description)
  }
}
