import Glibc
import NixFormats

public struct CacheLimits: Hashable, Sendable {
  /// In bytes, of one NAR file and of what it unpacks to.
  public var narSize: UInt64
  /// Files that are checked at once during an import.
  public var parallelChecks: Int
  /// `Priority` in nix-cache-info: a lower one is asked first, cache.nixos.org has 40.
  public var priority: Int

  public init(narSize: UInt64 = 64 << 30, parallelChecks: Int = 2, priority: Int = 30) {
    self.narSize = narSize
    self.parallelChecks = max(parallelChecks, 1)
    self.priority = priority
  }
}

/// A Nix binary cache in a directory: `nix-cache-info`, `HASH.narinfo`, `nar/`, and `incoming/` for what is not checked
/// yet.
///
/// It holds to two rules at every moment, also after a power cut: a NAR file in `nar/` has the content its name
/// promises, and where there is a narinfo, its NAR file and the narinfos of all its references are there too.
public actor CacheDirectory {
  public nonisolated let path: String
  public nonisolated let publicKey: NixPublicKey
  nonisolated let limits: CacheLimits
  nonisolated let signingKey: SigningKey
  /// Imports and upload checks that run; garbage is not collected meanwhile.
  var running = 0

  /// Opens the cache and makes it where it is missing. What a killed import left half-written is removed.
  public init(path: String, signingKey: SigningKey, limits: CacheLimits = CacheLimits()) throws(CacheError) {
    self.path = path
    self.signingKey = signingKey
    self.limits = limits
    publicKey = signingKey.publicKey
    try cacheCall { () throws(SystemCallError) in
      try FileSystem.makeDirectories(path)
      try FileSystem.makeDirectories(path + "/nar")
      try FileSystem.makeDirectories(path + "/incoming")
      let text = Array(Self.cacheInfo(priority: limits.priority).utf8)
      if try FileSystem.contents(of: path + "/nix-cache-info", limit: 1 << 16) != text {
        try FileSystem.replace(path + "/nix-cache-info", with: text)
      }
      for name in try FileSystem.names(in: path + "/incoming") where TemporaryName.isAbandoned(name) {
        try FileSystem.removeFile(path + "/incoming/" + name)
      }
    }
  }

  static func cacheInfo(priority: Int) -> String {
    "StoreDir: \(StorePath.storeDirectory)\nWantMassQuery: 1\nPriority: \(priority)\n"
  }

  nonisolated func narInfoFile(_ hashPart: String) -> String { path + "/" + hashPart + ".narinfo" }
  nonisolated func narFile(_ name: NarFileName) -> String { path + "/nar/" + name.description }
  nonisolated func incomingFile(_ name: NarFileName) -> String { path + "/incoming/" + name.description }

  // MARK: Serving

  /// What to answer to GET and HEAD; nil where there is no such thing.
  public nonisolated func content(of resource: CacheResource) throws(CacheError) -> CacheContent? {
    switch resource {
    case .cacheInfo:
      return .bytes(Array(Self.cacheInfo(priority: limits.priority).utf8), contentType: "text/x-nix-cache-info")
    case .narInfo(let hashPart):
      let bytes = try cacheCall { () throws(SystemCallError) in
        try FileSystem.contents(of: narInfoFile(hashPart), limit: NarInfo.maximumTextSize)
      }
      return bytes.map { .bytes($0, contentType: "text/x-nix-narinfo") }
    case .nar(let name):
      let file = narFile(name)
      let entry = try cacheCall { () throws(SystemCallError) in try FileSystem.entry(at: file) }
      guard let entry, entry.isRegularFile else { return nil }
      return .file(path: file, size: entry.size, contentType: "application/x-nix-nar")
    }
  }

  /// What the cache knows of a path; nil where it has none of that hash.
  public nonisolated func narInfo(hashPart: String) throws(CacheError) -> NarInfo? {
    guard StorePath.isHashPart(hashPart) else { return nil }
    let file = narInfoFile(hashPart)
    let bytes = try cacheCall { () throws(SystemCallError) in
      try FileSystem.contents(of: file, limit: NarInfo.maximumTextSize)
    }
    guard let bytes else { return nil }
    do {
      return try NarInfo(bytes)
    } catch {
      throw CacheError(.failed, "\(file) is damaged (\(error)); remove it and import its closure again")
    }
  }

  // MARK: Publishing

  /// Makes a path visible: its NAR file and its references have to be there.
  func publish(_ info: NarInfo, file: NarFileName, fileSize: UInt64) throws(CacheError) {
    var info = info
    info.url = file.url
    info.compression = file.compression
    info.fileHash = file.fileHash
    info.fileSize = fileSize
    let signature = try signingKey.signature(of: info)
    info.signatures.removeAll { $0.keyName == signature.keyName }
    info.signatures.append(signature)
    let text = Array(info.serialized.utf8)
    try cacheCall { () throws(SystemCallError) in
      try FileSystem.replace(narInfoFile(info.storePath.hashPart), with: text)
    }
  }
}

/// Names of files that are being written, by which a later process knows that nobody writes them any more.
enum TemporaryName {
  private static let prefix = "partial-"

  static func make() -> String {
    let suffix = String(UInt64.random(in: 0 ... .max), radix: 36)
    return "\(prefix)\(getpid())-\(suffix)"
  }

  static func isAbandoned(_ name: String) -> Bool {
    guard name.hasPrefix(prefix) else { return false }
    guard let process = name.dropFirst(prefix.count).split(separator: "-").first.flatMap({ Int32($0) }) else {
      return true
    }
    return process != getpid() && kill(process, 0) != 0 && errno == ESRCH
  }
}
