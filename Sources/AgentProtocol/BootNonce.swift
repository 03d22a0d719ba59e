/// Names one boot of one machine: 128 random bits, written as 32 lower-case hexadecimal digits.
///
/// It authorises nothing and may stand in a URL or in a script: it only joins the boot that the appliance started with
/// the agent that came up in it.
public struct BootNonce: Hashable, Sendable, CustomStringConvertible {
  /// 16 bytes.
  public let bytes: [UInt8]

  /// A new random nonce.
  public init() { bytes = randomBytes(16) }

  /// - Throws: ``SignatureError/malformedNonce``.
  public init(_ text: String) throws(SignatureError) {
    guard let bytes = AgentProtocol.bytes(hexadecimal: text, count: 16) else { throw .malformedNonce }
    self.bytes = bytes
  }

  public var description: String { hexadecimal(bytes) }
}

extension BootNonce: Codable {
  public init(from decoder: any Decoder) throws {
    self = try BootNonce(decoder.singleValueContainer().decode(String.self))
  }

  public func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    try container.encode(description)
  }
}
