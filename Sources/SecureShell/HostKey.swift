import Crypto
import Foundation

/// The public key by which a machine's SSH server is known.
public struct HostKey: Hashable, Sendable, CustomStringConvertible {
  /// `ssh-ed25519`
  public var type: String
  /// As in known_hosts.
  public var base64: String
  /// `SHA256:…`, as ssh prints it: base64 without padding.
  public var fingerprint: String

  public init?(type: Substring, base64: Substring) {
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
  public var algorithm: String { type.split(separator: "-").dropFirst().first.map { $0.uppercased() } ?? type }

  public var description: String { "\(fingerprint) (\(algorithm))" }

  /// The better one first.
  public static func preferred(_ keys: [HostKey]) -> [HostKey] {
    let order = ["ssh-ed25519", "ecdsa-sha2-nistp256", "ecdsa-sha2-nistp384", "ecdsa-sha2-nistp521", "ssh-rsa"]
    return keys.sorted {
      (order.firstIndex(of: $0.type) ?? 99, $0.base64) < (order.firstIndex(of: $1.type) ?? 99, $1.base64)
    }
  }

  static func list(_ keys: [HostKey]) -> String { preferred(keys).map(\.description).joined(separator: ", ") }
}
