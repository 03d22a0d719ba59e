import NixFormats

/// The name of a NAR file in the cache: the SHA-256 of its content, `.nar`, and how it is packed.
public struct NarFileName: Hashable, Sendable, CustomStringConvertible {
  public let fileHash: NixHash
  /// Never ``NarInfo/Compression/other(_:)``.
  public let compression: NarInfo.Compression

  /// Nil where Bootstead can not unpack it.
  public init?(fileHash: NixHash, compression: NarInfo.Compression) {
    guard compression.isSupported else { return nil }
    self.fileHash = fileHash
    self.compression = compression
  }

  /// `BASE32.nar`, `BASE32.nar.xz` or `BASE32.nar.zst`
  public init?(_ text: some StringProtocol) {
    guard let dot = text.firstIndex(of: "."), text[..<dot].utf8.count == 52,
      let bytes = NixBase32.decode(text[..<dot]), let hash = NixHash(bytes: bytes)
    else { return nil }
    switch text[dot...] {
    case ".nar": compression = .none
    case ".nar.xz": compression = .xz
    case ".nar.zst": compression = .zstd
    default: return nil
    }
    fileHash = hash
  }

  public var description: String {
    let suffix =
      switch compression {
      case .xz: ".xz"
      case .zstd: ".zst"
      case .none, .other: ""
      }
    return fileHash.base32 + ".nar" + suffix
  }

  /// Relative to the cache.
  public var url: String { "nar/" + description }
}

/// What a client of the binary cache protocol can ask for.
public enum CacheResource: Hashable, Sendable {
  case cacheInfo
  case narInfo(hashPart: String)
  case nar(NarFileName)

  /// - Parameter path: relative to the cache, without leading slash; nil where it can name nothing here.
  public init?(path: some StringProtocol) {
    if path == "nix-cache-info" {
      self = .cacheInfo
    } else if path.hasPrefix("nar/"), let name = NarFileName(path.dropFirst(4)) {
      self = .nar(name)
    } else if path.hasSuffix(".narinfo"), StorePath.isHashPart(path.dropLast(8)) {
      self = .narInfo(hashPart: String(path.dropLast(8)))
    } else {
      return nil
    }
  }
}

/// What to answer.
public enum CacheContent: Hashable, Sendable {
  case bytes([UInt8], contentType: String)
  /// The file never changes under its name. `size` in bytes.
  case file(path: String, size: UInt64, contentType: String)
}
