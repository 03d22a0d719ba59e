import Foundation

/// The appliance's own known_hosts: the keys that an operator has confirmed, one for each name.
public struct KnownHosts: Sendable {
  public let path: String

  public init(path: String) { self.path = path }

  /// `HOST KEYTYPE BASE64` lines, of which those for other names, comments and what can not be read are left out.
  public static func keys(in text: String, of name: String) -> [HostKey] {
    text.split(separator: "\n").compactMap { line in
      let words = line.split(separator: " ")
      guard words.count >= 3, !line.hasPrefix("#"), words[0].split(separator: ",").contains(Substring(name)) else {
        return nil
      }
      return HostKey(type: words[1], base64: words[2])
    }
  }

  public func keys(of name: String) -> [HostKey] {
    KnownHosts.keys(in: (try? String(contentsOfFile: path, encoding: .utf8)) ?? "", of: name)
  }

  /// - Throws: ``HostKeyError`` where the file can not be written.
  public func pin(_ key: HostKey, of name: String) throws {
    let old = (try? String(contentsOfFile: path, encoding: .utf8)) ?? ""
    let temporary = path + ".new"
    try? FileManager.default.removeItem(atPath: temporary)
    let text = old + (old.isEmpty || old.hasSuffix("\n") ? "" : "\n") + "\(name) \(key.type) \(key.base64)\n"
    guard
      FileManager.default.createFile(
        atPath: temporary, contents: Data(text.utf8), attributes: [.posixPermissions: 0o600]),
      rename(temporary, path) == 0
    else { throw HostKeyError.notWritten(path: path) }
  }

  /// Which key to go on with.
  public enum Decision: Equatable {
    /// Pinned before, and shown now.
    case pinned(HostKey)
    /// Not known yet: the operator has to say.
    case unknown(HostKey)
    /// The fingerprint that the operator gave.
    case confirmed(HostKey)
  }

  /// Pure.
  /// - Parameter wanted: the fingerprint that the operator gave, if any.
  public static func decide(name: String, pinned: [HostKey], shown: [HostKey], wanted: String?) throws(HostKeyError)
    -> Decision
  {
    guard !shown.isEmpty else { throw .none(name: name) }
    if let wanted, !shown.contains(where: { $0.fingerprint == wanted }) {
      throw .notExpected(name: name, expected: wanted, found: HostKey.list(shown))
    }
    if !pinned.isEmpty {
      guard let same = HostKey.preferred(pinned).first(where: shown.contains) else {
        throw .changed(name: name, expected: HostKey.list(pinned), found: HostKey.list(shown))
      }
      if wanted == nil || wanted == same.fingerprint { return .pinned(same) }
    }
    if let wanted, let key = shown.first(where: { $0.fingerprint == wanted }) { return .confirmed(key) }
    return .unknown(HostKey.preferred(shown)[0])
  }
}
