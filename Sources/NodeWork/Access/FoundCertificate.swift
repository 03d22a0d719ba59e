/// A server's certificate, read from what curl prints of it (`%{certs}`).
public struct FoundCertificate: Codable, Sendable, Hashable {
  public var subject: String
  public var issuer: String
  /// The DNS names that it is good for.
  public var names: [String]
  /// Seconds since 1970.
  public var from: Int
  /// Seconds since 1970.
  public var until: Int

  /// - Returns: nil where the text has no whole certificate. Of several it takes the first, the server's own.
  public init?(curl text: String) {
    var fields: [String: String] = [:]
    for line in text.split(separator: "\n") {
      // The server's own one ends here; those that signed it follow.
      if line.hasPrefix("Cert:") { break }
      guard let colon = line.firstIndex(of: ":") else { continue }
      let key = String(line[..<colon])
      if fields[key] == nil { fields[key] = Self.trimmed(line[line.index(after: colon)...]) }
    }
    guard let subject = fields["Subject"], let issuer = fields["Issuer"],
      let from = fields["Start date"].flatMap(Self.seconds), let until = fields["Expire date"].flatMap(Self.seconds)
    else { return nil }
    (self.subject, self.issuer, self.from, self.until) = (subject, issuer, from, until)
    names = (fields["X509v3 Subject Alternative Name"] ?? "").split(separator: ",").compactMap { part in
      let part = Self.trimmed(part)
      return part.hasPrefix("DNS:") ? String(part.dropFirst(4)).lowercased() : nil
    }
  }

  /// Whether it is good for a name (RFC 9525: a star stands for the first label alone).
  public func isFor(_ name: String) -> Bool {
    let name = name.lowercased()
    return names.contains { pattern in
      guard pattern.hasPrefix("*.") else { return pattern == name }
      guard let dot = name.firstIndex(of: "."), dot != name.startIndex else { return false }
      return name[name.index(after: dot)...] == pattern.dropFirst(2)
    }
  }

  /// Whole days that are left; negative once it has expired.
  public func daysLeft(now: Int) -> Int {
    let seconds = until - now
    return seconds >= 0 ? seconds / 86400 : -((-seconds + 86399) / 86400)
  }

  /// Less than a sixth of its time is left. Whoever renews does it at a third: Caddy, lego and certbot alike.
  public func isOld(now: Int) -> Bool { until - now < (until - from) / 6 }

  /// The issuer's own name.
  public var issuerName: String {
    for part in issuer.split(separator: ",") {
      let sides = part.split(separator: "=", maxSplits: 1).map(Self.trimmed)
      if sides.count == 2, sides[0] == "CN" { return sides[1] }
    }
    return issuer
  }

  private static func trimmed(_ text: some StringProtocol) -> String {
    var text = Substring(text)
    while text.first?.isWhitespace == true { text.removeFirst() }
    while text.last?.isWhitespace == true { text.removeLast() }
    return String(text)
  }

  /// Reads OpenSSL's `Nov  2 12:00:00 2026 GMT`.
  private static func seconds(_ text: String) -> Int? {
    let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
    let parts = text.split(separator: " ").map(String.init)
    guard parts.count == 5, parts[4] == "GMT", let month = months.firstIndex(of: parts[0]), let day = Int(parts[1]),
      let year = Int(parts[3]), (1...31).contains(day), (1970...9999).contains(year)
    else { return nil }
    let time = parts[2].split(separator: ":").compactMap { Int($0) }
    guard time.count == 3 else { return nil }
    // Days since 1970 in the Gregorian calendar, with years that begin in March.
    let (y, m) = month < 2 ? (year - 1, month + 10) : (year, month - 2)
    let days = 365 * y + y / 4 - y / 100 + y / 400 + (153 * m + 2) / 5 + day - 1 - 719_468
    return days * 86400 + time[0] * 3600 + time[1] * 60 + time[2]
  }
}
