internal import Crypto
import FoundationEssentials
import Glibc
import NixFormats

/// The appliance's ed25519 key, by which nodes know that a path comes from this cache.
public struct SigningKey: Sendable, CustomStringConvertible {
  private let key: Curve25519.Signing.PrivateKey
  public let publicKey: NixPublicKey

  /// - Throws: where the public half does not belong to the seed.
  public init(_ secret: NixSecretKey) throws(CacheError) {
    do {
      key = try Curve25519.Signing.PrivateKey(rawRepresentation: secret.seed)
    } catch {
      throw CacheError(.refused, "the signing key \(secret.name) can not be used")
    }
    guard Array(key.publicKey.rawRepresentation) == secret.publicKey.bytes else {
      throw CacheError(.refused, "the two halves of the signing key \(secret.name) do not belong together")
    }
    publicKey = secret.publicKey
  }

  /// Reads the key file, or makes a new key in it with mode 0600.
  ///
  /// - Parameters:
  ///   - path: its directory exists.
  ///   - name: of a new key, best with the host's name and a number: `appliance.home-1`.
  public static func loadOrCreate(at path: String, name: String) throws(CacheError) -> SigningKey {
    if let entry = try cacheCall({ () throws(SystemCallError) in try FileSystem.entry(at: path) }) {
      guard entry.permissions & 0o077 == 0 else {
        throw CacheError(.refused, "\(path) can be read by others; run: chmod 600 \(path), or make a new key")
      }
      let bytes = try cacheCall { () throws(SystemCallError) in try FileSystem.contents(of: path, limit: 4096) } ?? []
      do {
        return try SigningKey(NixSecretKey(String(decoding: bytes, as: UTF8.self)))
      } catch {
        throw CacheError(.refused, "\(path): \(error)")
      }
    }
    let key = Curve25519.Signing.PrivateKey()
    let secret: NixSecretKey
    do {
      secret = try NixSecretKey(
        name: name, seed: Array(key.rawRepresentation), publicKey: Array(key.publicKey.rawRepresentation))
    } catch {
      throw CacheError(.refused, "the key name '\(NixFormatError.visible(name))': \(error)")
    }
    try cacheCall { () throws(SystemCallError) in
      try FileSystem.replace(path, with: Array((secret.secretText + "\n").utf8), mode: 0o600)
    }
    return try SigningKey(secret)
  }

  public func signature(of info: NarInfo) throws(CacheError) -> NixSignature {
    do {
      return try NixSignature(
        keyName: publicKey.name, bytes: Array(key.signature(for: Array(info.fingerprint.utf8))))
    } catch {
      throw CacheError(.failed, "\(info.storePath) could not be signed")
    }
  }

  public var description: String { "signing key \(publicKey.name)" }
}

extension NarInfo {
  /// Whether one of the signatures is by one of the keys and right.
  public func isSigned(byOneOf keys: some Sequence<NixPublicKey>) -> Bool {
    let message = Array(fingerprint.utf8)
    return keys.contains { key in
      guard let verifier = try? Curve25519.Signing.PublicKey(rawRepresentation: key.bytes) else { return false }
      return signatures.contains { signature in
        signature.keyName == key.name && verifier.isValidSignature(signature.bytes, for: message)
      }
    }
  }
}
