/// A text of Nix's that could not be read: what it should have been, and what was wrong with it.
public enum NixFormatError: Error, Hashable, Sendable, CustomStringConvertible {
  case invalidStorePath(String, reason: String)
  case invalidHash(String, reason: String)
  case invalidKey(reason: String)
  case invalidSignature(String)
  case invalidNarInfo(field: String, reason: String)
  case tooLarge(what: String, bytes: Int, limit: Int)

  public var description: String {
    switch self {
    case .invalidStorePath(let text, let reason):
      "'\(Self.visible(text))' is not a store path: \(reason); it looks like /nix/store/<32 characters>-<name>"
    case .invalidHash(let text, let reason):
      "'\(Self.visible(text))' is not a SHA-256 hash: \(reason); it looks like sha256:<52 characters> or sha256-<base64>"
    case .invalidKey(let reason):
      "not a Nix key: \(reason); a key is one line NAME:BASE64"
    case .invalidSignature(let text):
      "'\(Self.visible(text))' is not a signature; it looks like KEYNAME:BASE64 with 64 bytes"
    case .invalidNarInfo(let field, let reason):
      "narinfo, field \(Self.visible(field)): \(reason)"
    case .tooLarge(let what, let bytes, let limit):
      "\(what) has \(bytes) bytes, at most \(limit) are taken"
    }
  }

  /// Text from outside, short and without anything a terminal would act on.
  package static func visible(_ text: some StringProtocol) -> String {
    var result = ""
    for scalar in text.unicodeScalars.prefix(80) {
      if scalar.value >= 0x20 && scalar.value < 0x7f {
        result.unicodeScalars.append(scalar)
      } else {
        result += "\\u{" + String(scalar.value, radix: 16) + "}"
      }
    }
    return result
  }
}
