/// Names one claim (chosen by the appliance) or one node (made from its key): 32 lower-case hexadecimal digits.
public struct SessionIdentifier: Hashable, Sendable, CustomStringConvertible {
  public let description: String

  /// A new random session.
  public init() { description = hexadecimal(randomBytes(16)) }

  /// - Throws: ``SignatureError/malformedSession(_:)``.
  public init(_ text: String) throws(SignatureError) {
    guard bytes(hexadecimal: text, count: 16) != nil else { throw .malformedSession(text) }
    description = text
  }

  /// The one session in which an installed node with this key reports for as long as it lives.
  public init(node key: SigningPublicKey) {
    description = hexadecimal(Array(digest(Array("bootstead-node-session-v1".utf8) + key.bytes).prefix(16)))
  }
}

extension SessionIdentifier: Codable {
  public init(from decoder: any Decoder) throws {
    self = try SessionIdentifier(decoder.singleValueContainer().decode(String.self))
  }

  public func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    try container.encode(description)
  }
}
