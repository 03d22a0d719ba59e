import Crypto
import FoundationEssentials

/// Seals and opens age files (age-encryption.org/v1; C2SP age.md) in memory, for one X25519 recipient.
public enum AgeFile {
  /// 64 KiB of content in each chunk.
  private static let chunkSize = 65_536
  private static let codeSize = 16
  private static let zeroNonce = [UInt8](repeating: 0, count: 12)

  /// Seals `content` so that only the holder of the recipient's identity can read it. The standard `age` opens it too.
  public static func seal(_ content: [UInt8], to recipient: AgeRecipient) throws(AgeError) -> [UInt8] {
    let fileKey = SymmetricKey(size: .bits128)
    let ephemeral = Curve25519.KeyAgreement.PrivateKey()
    let share = Array(ephemeral.publicKey.rawRepresentation)
    let nonce = randomBytes(16)
    do {
      let wrapKey = try wrapKey(secret: ephemeral, peer: recipient.bytes, share: share, recipient: recipient.bytes)
      let wrapped = try ChaChaPoly.seal(
        fileKey.withUnsafeBytes { Array($0) }, using: wrapKey, nonce: ChaChaPoly.Nonce(data: zeroNonce))
      let head =
        AgeHeader.versionLine + "-> X25519 \(AgeHeader.unpadded(share))\n"
        + "\(AgeHeader.unpadded(Array(wrapped.ciphertext) + Array(wrapped.tag)))\n---"
      let code = HMAC<SHA256>.authenticationCode(for: Array(head.utf8), using: derived(fileKey, info: "header"))
      var file = Array("\(head) \(AgeHeader.unpadded(Array(code)))\n".utf8) + nonce
      let payloadKey = derived(fileKey, salt: nonce, info: "payload")
      var counter: UInt64 = 0
      var position = 0
      repeat {
        let end = min(position + chunkSize, content.count)
        let box = try ChaChaPoly.seal(
          content[position..<end], using: payloadKey,
          nonce: ChaChaPoly.Nonce(data: chunkNonce(counter, last: end == content.count)))
        file += box.ciphertext
        file += box.tag
        position = end
        counter += 1
      } while position < content.count
      return file
    } catch {
      throw .sealingFailed
    }
  }

  /// Opens a file that was sealed to `identity`, by ``seal(_:to:)`` or by the standard `age`.
  public static func open(_ file: [UInt8], with identity: AgeIdentity) throws(AgeError) -> [UInt8] {
    let header = try AgeHeader(file: file)
    let fileKey = try fileKey(of: header, identity: identity)
    let headerKey = derived(fileKey, info: "header")
    guard HMAC<SHA256>.isValidAuthenticationCode(header.code, authenticating: header.covered, using: headerKey) else {
      throw .wrongHeaderCode
    }
    let payload = file[header.length...]
    guard payload.count >= 16 + codeSize else { throw .truncated }
    let payloadKey = derived(fileKey, salt: Array(payload.prefix(16)), info: "payload")
    var rest = payload.dropFirst(16)
    var content: [UInt8] = []
    var counter: UInt64 = 0
    while true {
      let chunk = rest.prefix(chunkSize + codeSize)
      rest = rest.dropFirst(chunk.count)
      let last = rest.isEmpty
      guard chunk.count > codeSize || (last && counter == 0 && chunk.count == codeSize) else { throw .truncated }
      do {
        let box = try ChaChaPoly.SealedBox(
          nonce: ChaChaPoly.Nonce(data: chunkNonce(counter, last: last)), ciphertext: chunk.dropLast(codeSize),
          tag: chunk.suffix(codeSize))
        content += try ChaChaPoly.open(box, using: payloadKey)
      } catch {
        throw .damaged(chunk: counter)
      }
      if last { return content }
      counter += 1
    }
  }

  private static func fileKey(of header: AgeHeader, identity: AgeIdentity) throws(AgeError) -> SymmetricKey {
    for stanza in header.stanzas where stanza.arguments.first == "X25519" {
      guard stanza.arguments.count == 2, let share = AgeHeader.unpadded(stanza.arguments[1]), share.count == 32,
        stanza.body.count == 32
      else { throw .malformedHeader("an X25519 recipient has the wrong form") }
      guard
        let wrapKey = try? wrapKey(
          secret: identity.key, peer: share, share: share, recipient: identity.recipient.bytes),
        let nonce = try? ChaChaPoly.Nonce(data: zeroNonce),
        let box = try? ChaChaPoly.SealedBox(
          nonce: nonce, ciphertext: stanza.body.dropLast(codeSize), tag: stanza.body.suffix(codeSize)),
        let key = try? ChaChaPoly.open(box, using: wrapKey)
      else { continue }
      return SymmetricKey(data: key)
    }
    throw .otherRecipient
  }

  /// Refuses a peer of low order, whose shared secret is zero.
  private static func wrapKey(
    secret: Curve25519.KeyAgreement.PrivateKey, peer: [UInt8], share: [UInt8], recipient: [UInt8]
  ) throws -> SymmetricKey {
    let shared = try secret.sharedSecretFromKeyAgreement(
      with: Curve25519.KeyAgreement.PublicKey(rawRepresentation: peer))
    guard shared.withUnsafeBytes({ $0.contains { $0 != 0 } }) else { throw AgeError.otherRecipient }
    return shared.hkdfDerivedSymmetricKey(
      using: SHA256.self, salt: share + recipient, sharedInfo: Array("age-encryption.org/v1/X25519".utf8),
      outputByteCount: 32)
  }

  private static func derived(_ key: SymmetricKey, salt: [UInt8] = [], info: String) -> SymmetricKey {
    HKDF<SHA256>.deriveKey(inputKeyMaterial: key, salt: salt, info: Array(info.utf8), outputByteCount: 32)
  }

  /// An 11 byte counter and a byte that marks the last chunk.
  private static func chunkNonce(_ counter: UInt64, last: Bool) -> [UInt8] {
    [0, 0, 0] + (0..<8).map { UInt8(truncatingIfNeeded: counter >> (56 - 8 * UInt64($0))) } + [last ? 1 : 0]
  }
}
