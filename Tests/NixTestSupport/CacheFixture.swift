import CLZMA
import CZstd
import Crypto
import Foundation
import NixFormats

/// A store path made up by a test.
public struct PathFixture: Sendable {
  public let storePath: StorePath
  public var tree: Tree
  public var references: [StorePath]

  public init(_ name: String, _ tree: Tree, references: [StorePath] = []) throws {
    let digest = Array(SHA256.hash(data: Data(name.utf8)).prefix(20))
    storePath = try StorePath(baseName: NixBase32.encode(digest) + "-" + name)
    self.tree = tree
    self.references = references
  }
}

/// A binary cache as `nix copy --to file://…` writes it, made without Nix.
public struct CacheFixture: Sendable {
  public let path: String

  public init(at path: String) throws {
    self.path = path
    try FileManager.default.createDirectory(atPath: path + "/nar", withIntermediateDirectories: true)
    try write(Array("StoreDir: /nix/store\n".utf8), to: "nix-cache-info")
  }

  public func write(_ bytes: [UInt8], to name: String) throws {
    try Data(bytes).write(to: URL(fileURLWithPath: path + "/" + name))
  }

  public func read(_ name: String) throws -> [UInt8] {
    try Array(Data(contentsOf: URL(fileURLWithPath: path + "/" + name)))
  }

  /// - Parameter key: signs the path.
  @discardableResult public func add(
    _ fixture: PathFixture, compression: NarInfo.Compression = .zstd, key: Curve25519.Signing.PrivateKey? = nil,
    keyName: String = "upstream-1"
  ) throws -> NarInfo {
    let archive = try fixture.tree.archive()
    let packed = try Packing.pack(archive, compression)
    var info = try Packing.info(fixture, archive: archive, packed: packed, compression: compression)
    if let key {
      let bytes = try Array(key.signature(for: Data(info.fingerprint.utf8)))
      info.signatures = [try NixSignature(keyName: keyName, bytes: bytes)]
    }
    try write(packed, to: info.url)
    try write(info)
    return info
  }

  public func write(_ info: NarInfo) throws {
    try write(Array(info.serialized.utf8), to: info.storePath.hashPart + ".narinfo")
  }
}

public enum Packing {
  public static func pack(_ bytes: [UInt8], _ compression: NarInfo.Compression) throws -> [UInt8] {
    switch compression {
    case .zstd:
      var output = [UInt8](repeating: 0, count: ZSTD_compressBound(bytes.count))
      let count = ZSTD_compress(&output, output.count, bytes, bytes.count, 3)
      guard ZSTD_isError(count) == 0 else { throw PackingError() }
      return Array(output[..<count])
    case .xz:
      var output = [UInt8](repeating: 0, count: lzma_stream_buffer_bound(bytes.count))
      var position = 0
      guard
        lzma_easy_buffer_encode(6, LZMA_CHECK_CRC64, nil, bytes, bytes.count, &output, &position, output.count)
          == LZMA_OK
      else { throw PackingError() }
      return Array(output[..<position])
    case .none, .other: return bytes
    }
  }

  public static func info(
    _ fixture: PathFixture, archive: [UInt8], packed: [UInt8], compression: NarInfo.Compression
  ) throws -> NarInfo {
    let fileHash = try hash(packed)
    let suffix =
      switch compression {
      case .xz: ".xz"
      case .zstd: ".zst"
      case .none, .other: ""
      }
    return try NarInfo(
      storePath: fixture.storePath, url: "nar/\(fileHash.base32).nar\(suffix)", compression: compression,
      fileHash: fileHash, fileSize: UInt64(packed.count), narHash: hash(archive), narSize: UInt64(archive.count),
      references: fixture.references)
  }

  public static func hash(_ bytes: [UInt8]) throws -> NixHash {
    guard let hash = NixHash(bytes: Array(SHA256.hash(data: Data(bytes)))) else { throw PackingError() }
    return hash
  }

  struct PackingError: Error {}
}
