/// A SHA-256 digest in the spellings that Nix uses.
public struct NixHash: Hashable, Sendable, CustomStringConvertible {
  /// 32 bytes.
  public let bytes: [UInt8]

  /// - Parameter bytes: the digest; nil where it is not 32 bytes.
  public init?(bytes: some Collection<UInt8>) {
    guard bytes.count == 32 else { return nil }
    self.bytes = Array(bytes)
  }

  /// Parses `sha256:` with 52 characters of Nix base 32 or 64 hexadecimal digits, or the SRI form `sha256-BASE64`.
  public init(_ text: some StringProtocol) throws(NixFormatError) {
    let digest: [UInt8]?
    if text.hasPrefix("sha256:") {
      let value = text.dropFirst(7)
      digest = value.utf8.count == 64 ? Self.decodeHexadecimal(value) : NixBase32.decode(value)
    } else if text.hasPrefix("sha256-") {
      digest = Base64.decode(text.dropFirst(7))
    } else {
      throw .invalidHash(String(text.prefix(80)), reason: "it does not begin with sha256")
    }
    guard let digest else { throw .invalidHash(String(text.prefix(80)), reason: "its digits can not be decoded") }
    guard let hash = NixHash(bytes: digest) else {
      throw .invalidHash(String(text.prefix(80)), reason: "it has \(digest.count) bytes instead of 32")
    }
    self = hash
  }

  /// 52 characters of Nix base 32.
  public var base32: String { NixBase32.encode(bytes) }

  /// 64 lower-case hexadecimal digits.
  public var hexadecimal: String {
    let digits = Array("0123456789abcdef".utf8)
    return String(decoding: bytes.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }, as: UTF8.self)
  }

  /// `sha256-BASE64`
  public var subresourceIntegrity: String { "sha256-" + Base64.encode(bytes) }

  /// `sha256:BASE32`, as narinfo files write it.
  public var description: String { "sha256:" + base32 }

  private static func decodeHexadecimal(_ text: some StringProtocol) -> [UInt8]? {
    var bytes: [UInt8] = []
    var high: UInt8?
    for digit in text.utf8 {
      let value: UInt8
      switch digit {
      case UInt8(ascii: "0")...UInt8(ascii: "9"): value = digit - UInt8(ascii: "0")
      case UInt8(ascii: "a")...UInt8(ascii: "f"): value = digit - UInt8(ascii: "a") + 10
      case UInt8(ascii: "A")...UInt8(ascii: "F"): value = digit - UInt8(ascii: "A") + 10
      default: return nil
      }
      if let upper = high {
        bytes.append(upper << 4 | value)
        high = nil
      } else {
        high = value
      }
    }
    return high == nil ? bytes : nil
  }
}
