import Foundation
import SecureShell
import Testing

@Suite("Host keys")
struct HostKeyTests {
  private static let ed25519 = "AAAAC3NzaC1lZDI1NTE5AAAAIAtGTexeDE1Iqxs0iWyshGTAZy6Kjds4ZIzBhh6FXSFp"
  /// As ssh-keygen -l prints it for that key.
  private static let fingerprint = "SHA256:vpU3tZLjcuTeIYVk/x4kZqudEpVL442A/CWynz4EE3k"
  private static let other = "AAAAC3NzaC1lZDI1NTE5AAAAIAtGTexeDE1Iqxs0iWyshGTAZy6Kjds4ZIzBhh6FXSFq"

  private func key(_ base64: String, type: String = "ssh-ed25519") throws -> HostKey {
    try #require(HostKey(type: Substring(type), base64: Substring(base64)))
  }

  @Test("a fingerprint is the one that ssh-keygen prints")
  func fingerprint() throws {
    let key = try key(Self.ed25519)
    #expect(key.fingerprint == Self.fingerprint)
    #expect(key.description == "\(Self.fingerprint) (ED25519)")
  }

  @Test("what is no key is left out", arguments: ["", "AAAA", "not base64!", String(repeating: "A", count: 8000)])
  func noKey(base64: String) {
    #expect(HostKey(type: "ssh-ed25519", base64: Substring(base64)) == nil)
  }

  @Test("known hosts give the keys of one name, whatever else is in the file")
  func knownHosts() throws {
    let text = """
      # ssh-ed25519 \(Self.other)
      192.0.2.7 ssh-ed25519 \(Self.ed25519)
      192.0.2.70 ssh-ed25519 \(Self.other)
      [192.0.2.7]:2222 ssh-ed25519 \(Self.other)
      192.0.2.7 ssh-ed25519
      192.0.2.7 ssh-ed25519 broken
      """
    #expect(KnownHosts.keys(in: text, of: "192.0.2.7") == [try key(Self.ed25519)])
    #expect(KnownHosts.keys(in: text, of: "[192.0.2.7]:2222") == [try key(Self.other)])
    #expect(KnownHosts.keys(in: text, of: "192.0.2.8").isEmpty)
  }

  @Test("a key is kept for its owner alone, beside those that were there")
  func pin() throws {
    let path = FileManager.default.temporaryDirectory.appendingPathComponent("known-\(UUID().uuidString)").path
    defer { try? FileManager.default.removeItem(atPath: path) }
    let file = KnownHosts(path: path)
    try file.pin(key(Self.ed25519), of: "192.0.2.7")
    try file.pin(key(Self.other), of: "192.0.2.8")
    #expect(file.keys(of: "192.0.2.7") == [try key(Self.ed25519)])
    #expect(file.keys(of: "192.0.2.8") == [try key(Self.other)])
    let mode = try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? NSNumber
    #expect(mode?.intValue == 0o600)
  }

  @Test("the first use has to be confirmed, a pinned key goes on, a fingerprint from the operator counts as confirmed")
  func decisions() throws {
    let (key, other) = (try key(Self.ed25519), try key(Self.other))
    func decide(_ pinned: [HostKey], _ shown: [HostKey], _ wanted: String?) throws -> KnownHosts.Decision {
      try KnownHosts.decide(name: "host", pinned: pinned, shown: shown, wanted: wanted)
    }
    #expect(try decide([], [key], nil) == .unknown(key))
    #expect(try decide([key], [other, key], nil) == .pinned(key))
    #expect(try decide([], [other, key], Self.fingerprint) == .confirmed(key))
    #expect(try decide([key], [key], Self.fingerprint) == .pinned(key))
  }

  @Test("a changed key and another than the expected one are refused with what was expected and found")
  func refusals() throws {
    let (key, other) = (try key(Self.ed25519), try key(Self.other))
    #expect(throws: HostKeyError.changed(name: "host", expected: "\(key)", found: "\(other)")) {
      try KnownHosts.decide(name: "host", pinned: [key], shown: [other], wanted: nil)
    }
    // Not even with the new fingerprint: the old line has to be taken out by hand.
    #expect(throws: HostKeyError.changed(name: "host", expected: "\(key)", found: "\(other)")) {
      try KnownHosts.decide(name: "host", pinned: [key], shown: [other], wanted: other.fingerprint)
    }
    #expect(throws: HostKeyError.notExpected(name: "host", expected: Self.fingerprint, found: "\(other)")) {
      try KnownHosts.decide(name: "host", pinned: [], shown: [other], wanted: Self.fingerprint)
    }
    #expect(throws: HostKeyError.none(name: "host")) {
      try KnownHosts.decide(name: "host", pinned: [], shown: [], wanted: nil)
    }
  }
}
