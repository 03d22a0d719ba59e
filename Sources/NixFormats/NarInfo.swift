/// What a binary cache says of one store path: the content of `HASH.narinfo`.
public struct NarInfo: Hashable, Sendable {
  /// How the NAR file is packed.
  public enum Compression: Hashable, Sendable, CustomStringConvertible {
    case none, xz, zstd
    /// A method that Nix knows and Bootstead does not unpack: `bzip2` (also where the field is missing), `br`, …
    case other(String)

    public init(name: some StringProtocol) {
      switch name {
      case "none": self = .none
      case "xz": self = .xz
      case "zstd": self = .zstd
      default: self = .other(String(name))
      }
    }

    public var description: String {
      switch self {
      case .none: "none"
      case .xz: "xz"
      case .zstd: "zstd"
      case .other(let name): name
      }
    }
  }

  public var storePath: StorePath
  /// Relative to the cache, without leading slash, empty component, `.` or `..`.
  public var url: String
  public var compression: Compression
  /// Of the file at ``url``, as it is packed.
  public var fileHash: NixHash?
  /// In bytes, of the file at ``url``.
  public var fileSize: UInt64?
  public var narHash: NixHash
  /// In bytes, unpacked.
  public var narSize: UInt64
  /// Sorted, each once; a path may name itself.
  public var references: [StorePath]
  public var deriver: StorePath?
  public var signatures: [NixSignature]
  /// How a content-addressed path got its name, as Nix writes it.
  public var contentAddress: String?

  public init(
    storePath: StorePath, url: String, compression: Compression, fileHash: NixHash?, fileSize: UInt64?,
    narHash: NixHash, narSize: UInt64, references: [StorePath], deriver: StorePath? = nil,
    signatures: [NixSignature] = [], contentAddress: String? = nil
  ) throws(NixFormatError) {
    guard NarInfo.isRelativePath(url) else {
      throw .invalidNarInfo(field: "URL", reason: "it is not a plain relative path")
    }
    self.storePath = storePath
    self.url = url
    self.compression = compression
    self.fileHash = fileHash
    self.fileSize = fileSize
    self.narHash = narHash
    self.narSize = narSize
    self.references = Set(references).sorted()
    self.deriver = deriver
    self.signatures = signatures
    self.contentAddress = contentAddress
  }

  /// The text that is signed: `1;PATH;sha256:HASH;SIZE;REFERENCE,REFERENCE…` with absolute, sorted references
  /// (nix, src/libstore/path-info.cc, `ValidPathInfo::fingerprint`).
  public var fingerprint: String {
    "1;\(storePath);\(narHash);\(narSize);" + references.map(\.description).joined(separator: ",")
  }

  /// The references other than the path itself.
  public var otherReferences: [StorePath] { references.filter { $0 != storePath } }

  /// Whether the text stays below the folder it is resolved in and needs no escaping in a URL.
  static func isRelativePath(_ text: some StringProtocol) -> Bool {
    let parts = text.utf8.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
    return text.utf8.count <= 1024
      && parts.allSatisfy { part in
        guard let first = part.first, first != UInt8(ascii: ".") else { return false }
        return part.allSatisfy { byte in
          switch byte {
          case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"),
            UInt8(ascii: "+"), UInt8(ascii: "="):
            true
          default: false
          }
        }
      }
  }
}
