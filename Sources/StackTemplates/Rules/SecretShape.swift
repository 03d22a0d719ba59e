/// What secrets look like. The names are those that the NixOS modules refuse in `environment` too.
enum SecretShape {
  /// Whether a variable of this name holds a secret itself, and not a file, a switch or a number about one.
  static func isSecret(name: String) -> Bool {
    let name = name.uppercased().replacingHyphens
    guard ["PASS", "TOKEN", "SECRET", "APIKEY", "API_KEY", "PRIVATEKEY", "PRIVATE_KEY"].contains(where: name.contains)
    else { return false }
    return !["FILE", "_PATH", "_ENABLED", "_TTL", "_LENGTH", "_EXPIRY", "_EXPIRATION", "_TIMEOUT", "_MAX", "_MIN"]
      .contains(where: name.hasSuffix)
  }

  /// Whether a value is one that is written down for all to read: not empty, no switch, no reference.
  static func isLiteral(_ value: String) -> Bool {
    guard !value.isEmpty, !["true", "false", "yes", "no", "on", "off", "0", "1"].contains(value.lowercased()),
      !value.hasPrefix("/run/secrets/"), !value.hasPrefix("file:///run/secrets/")
    else { return false }
    guard let interpolation = try? Interpolation(value) else { return true }
    return interpolation.pieces.contains { piece in
      switch piece {
      case .text: true
      case .variable(let variable): variable.standard.map { !$0.isEmpty } ?? false
      }
    }
  }

  /// Whether a text holds what looks like a key or a token, whatever its name.
  static func looksLikeKey(_ text: String) -> Bool {
    if text.contains("PRIVATE KEY-----") { return true }
    let words = text.split { " \t\n\"'=,;:<>(){}[]".contains($0) }
    return words.contains { word in
      let body = word.utf8
      if prefixes.contains(where: { word.hasPrefix($0) && body.count >= $0.utf8.count + 16 }) { return true }
      return isRandom(word)
    }
  }

  private static let prefixes = [
    "ghp_", "gho_", "ghs_", "github_pat_", "glpat-", "sk-", "sk_live_", "xoxb-", "xoxp-", "AKIA", "ASIA", "AIza",
    "tskey-", "eyJhbGci", "AGE-SECRET-KEY-", "dckr_pat_",
  ]

  /// At least 32 hexadecimal digits, or 40 of base64 with letters of both cases and digits, and without a path's
  /// slashes. UUIDs and digests of images are none.
  private static func isRandom(_ word: Substring) -> Bool {
    let bytes = Array(word.utf8)
    guard bytes.count >= 32, !word.hasPrefix("sha256") else { return false }
    let digits = bytes.filter { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }.count
    if word.allSatisfy(\.isHexDigit) { return digits >= 6 && digits < bytes.count }
    guard bytes.count >= 40, !word.contains("/"), !word.contains("."), !word.contains("-"), !word.contains("_") else {
      return false
    }
    let isBase64 = word.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "+") }
    return isBase64 && digits >= 4 && word.contains(where: \.isUppercase) && word.contains(where: \.isLowercase)
  }
}

extension String {
  fileprivate var replacingHyphens: String { String(map { $0 == "-" || $0 == "." ? "_" : $0 }) }
}
