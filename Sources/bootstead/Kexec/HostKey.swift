import Crypto
import Foundation

/// The public key by which a machine's SSH server is known.
struct HostKey: Hashable, Sendable, CustomStringConvertible {
  /// `ssh-ed25519`
  var type: String
  /// As in known_hosts.
  var base64: String
  /// `SHA256:…`, as ssh prints it: base64 without padding.
  var fingerprint: String

  init?(type: Substring, base64: Substring) {
    guard let data = Data(base64Encoded: String(base64)), (16...4096).contains(data.count),
      type.utf8.allSatisfy({ $0 > 32 && $0 < 127 }), type.utf8.count < 64
    else { return nil }
    self.type = String(type)
    self.base64 = String(base64)
    var text = Data(SHA256.hash(data: data)).base64EncodedString()
    while text.hasSuffix("=") { text.removeLast() }
    fingerprint = "SHA256:" + text
  }

  /// `ED25519` and the like, for people.
  var algorithm: String { type.split(separator: "-").dropFirst().first.map { $0.uppercased() } ?? type }

  var description: String { "\(fingerprint) (\(algorithm))" }

  /// The better one first.
  static func preferred(_ keys: [HostKey]) -> [HostKey] {
    let order = ["ssh-ed25519", "ecdsa-sha2-nistp256", "ecdsa-sha2-nistp384", "ecdsa-sha2-nistp521", "ssh-rsa"]
    return keys.sorted {
      (order.firstIndex(of: $0.type) ?? 99, $0.base64) < (order.firstIndex(of: $1.type) ?? 99, $1.base64)
    }
  }
}

/// The appliance's own known_hosts: the keys that an operator has confirmed, one for each name.
struct KnownHosts: Sendable {
  let path: String

  /// `HOST KEYTYPE BASE64` lines, of which those for other names, comments and what can not be read are left out.
  static func keys(in text: String, of name: String) -> [HostKey] {
    text.split(separator: "\n").compactMap { line in
      let words = line.split(separator: " ")
      guard words.count >= 3, !line.hasPrefix("#"), words[0].split(separator: ",").contains(Substring(name)) else {
        return nil
      }
      return HostKey(type: words[1], base64: words[2])
    }
  }

  func keys(of name: String) -> [HostKey] {
    KnownHosts.keys(in: (try? String(contentsOfFile: path, encoding: .utf8)) ?? "", of: name)
  }

  /// - Throws: ``CommandFailure`` where the file can not be written.
  func pin(_ key: HostKey, of name: String) throws {
    let old = (try? String(contentsOfFile: path, encoding: .utf8)) ?? ""
    let temporary = path + ".new"
    try? FileManager.default.removeItem(atPath: temporary)
    let text = old + (old.isEmpty || old.hasSuffix("\n") ? "" : "\n") + "\(name) \(key.type) \(key.base64)\n"
    guard
      FileManager.default.createFile(
        atPath: temporary, contents: Data(text.utf8), attributes: [.posixPermissions: 0o600]),
      rename(temporary, path) == 0
    else { throw CommandFailure.failed("\(path) can not be written: name another file with --known-hosts") }
  }

  /// Which key to go on with.
  enum Decision: Equatable {
    /// Pinned before, and shown now.
    case pinned(HostKey)
    /// Not known yet: the operator has to say.
    case unknown(HostKey)
    /// The fingerprint that the operator gave.
    case confirmed(HostKey)
  }

  /// Pure.
  /// - Parameter wanted: the fingerprint that the operator gave, if any.
  static func decide(name: String, pinned: [HostKey], shown: [HostKey], wanted: String?) throws(CommandFailure)
    -> Decision
  {
    func list(_ keys: [HostKey]) -> String { HostKey.preferred(keys).map(\.description).joined(separator: ", ") }
    guard !shown.isEmpty else { throw .failed("\(name) shows no host key: is that an SSH server?") }
    if let wanted, !shown.contains(where: { $0.fingerprint == wanted }) {
      throw .failed("the host key of \(name) is not the expected one: expected \(wanted), found \(list(shown))")
    }
    if !pinned.isEmpty {
      guard let same = HostKey.preferred(pinned).first(where: shown.contains) else {
        throw .failed(
          "the host key of \(name) has changed: expected \(list(pinned)), found \(list(shown)). Another machine may be answering in its place. If it was set up anew, take its line out of the known_hosts file in the data directory and give the new fingerprint with --host-key"
        )
      }
      if wanted == nil || wanted == same.fingerprint { return .pinned(same) }
    }
    if let wanted, let key = shown.first(where: { $0.fingerprint == wanted }) { return .confirmed(key) }
    return .unknown(HostKey.preferred(shown)[0])
  }
}
