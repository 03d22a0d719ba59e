import AgentProtocol
import Foundation

/// The key that signs every answer to agents; it is made at the first start.
enum ApplianceKey {
  static func loadOrCreate(at url: URL) throws -> SigningPrivateKey {
    if let text = FileManager.default.contents(atPath: url.path) {
      guard let bytes = Data(base64Encoded: text), let key = try? SigningPrivateKey(secretBytes: Array(bytes)) else {
        throw CommandFailure.failed("\(url.path) is damaged: restore it from a backup; agents and nodes know this key")
      }
      return key
    }
    let key = try SigningPrivateKey()
    let temporary = url.appendingPathExtension("new")
    try? FileManager.default.removeItem(at: temporary)
    guard
      FileManager.default.createFile(
        atPath: temporary.path, contents: Data(key.secretBytes).base64EncodedData(),
        attributes: [.posixPermissions: 0o600])
    else { throw CommandFailure.failed("\(temporary.path) can not be written") }
    let handle = try FileHandle(forWritingTo: temporary)
    try handle.synchronize()
    try handle.close()
    try FileManager.default.moveItem(at: temporary, to: url)
    return key
  }
}

extension SigningPublicKey {
  /// Eight hexadecimal digits that tell appliances apart, for names.
  var fingerprint: String { bytes.prefix(4).map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined() }
}
