import StackSet

/// What one name shall do, what it does, and what to do about it.
public struct NameCheck: Codable, Sendable, Hashable {
  public var name: String
  /// Nil: a route that the settings name.
  public var stack: String?
  public var route: String
  public var exposure: StackExposure
  /// A sentence.
  public var expected: String
  /// A sentence.
  public var found: String
  /// Empty: as expected.
  public var findings: [AccessFinding]
  /// What DNS answered, all name servers together.
  public var addresses: [String]
  public var certificate: FoundCertificate?
  /// Of the HTTP answer.
  public var status: Int?
  /// Where the answer sends the browser.
  public var redirect: String?

  public var isGood: Bool { findings.isEmpty }
}

/// One thing that is not as it shall be.
public struct AccessFinding: Codable, Sendable, Hashable {
  public enum Kind: String, Codable, Sendable, Hashable, CaseIterable {
    /// A name server gives no answer at all.
    case nameServer
    /// The name server knows no such name.
    case noSuchName
    /// The name leads elsewhere than to the reverse proxy.
    case wrongAddress
    /// Nobody takes the connection.
    case noConnection
    /// The certificate is for other names.
    case certificateName
    case certificateExpired
    /// It should have been renewed: less than a sixth of its time is left.
    case certificateOld
    /// Signed by nobody who is trusted here.
    case certificateIssuer
    /// TLS itself fails.
    case handshake
    /// The reverse proxy turns away a network that may come in.
    case turnedAway
    /// The reverse proxy does not reach the service.
    case noService
    /// Another status than that of a service at work.
    case status
    /// No redirect to the identity provider.
    case noLogin
    /// It answers a network that it must not answer.
    case open
    /// The service answers beside the reverse proxy, which asks nobody who he is.
    case besideProxy
    /// The proxy's root certificate, which devices are to trust, can not be fetched.
    case noRootCertificate
  }

  public var kind: Kind
  public var problem: String
  /// What to do.
  public var advice: String

  public init(_ kind: Kind, _ problem: String, advice: String) {
    (self.kind, self.problem, self.advice) = (kind, problem, advice)
  }
}

/// What a test of all names found.
public struct AccessReport: Codable, Sendable, Hashable {
  public var machine: String
  /// From where it was tried.
  public var zone: StackExposure
  public var nameServers: [String]
  /// Where names are to lead; nil where that is not known from this zone.
  public var address: String?
  /// What does not belong to one name.
  public var findings: [AccessFinding]
  public var names: [NameCheck]

  public var isGood: Bool { findings.isEmpty && names.allSatisfy(\.isGood) }

  /// For people.
  public var text: String {
    var lines: [String] = []
    func add(_ findings: [AccessFinding]) {
      for finding in findings {
        lines.append("  \(finding.kind.rawValue): \(finding.problem)")
        lines.append("  do: \(finding.advice)")
      }
    }
    for check in names {
      lines.append("\(check.isGood ? "good" : "BAD ")  \(check.name)  \(check.found)")
      if !check.isGood { lines.append("  expected: \(check.expected)") }
      add(check.findings)
    }
    if !findings.isEmpty { lines.append("BAD   \(machine)") }
    add(findings)
    let bad = names.count { !$0.isGood }
    lines.append("\(names.count - bad) of \(names.count) names are as they shall be, from \(zone.rawValue)")
    return lines.joined(separator: "\n")
  }
}
