/// A path right below `/nix/store`: 32 characters of Nix base 32, a dash, and a name.
///
/// Holding one means that it is safe as a file name: it has no separator, no control character, and is neither `.`
/// nor `..` (nix, src/libstore/path.cc, `checkName`).
public struct StorePath: Hashable, Sendable, Comparable, CustomStringConvertible {
  public static let storeDirectory = "/nix/store"
  /// In characters (nix, `StorePath::MaxPathLen`).
  public static let maximumNameLength = 211

  /// `HASH-name`, the name of the entry in the store directory.
  public let baseName: String

  /// Parses `HASH-name`.
  public init(baseName text: some StringProtocol) throws(NixFormatError) {
    let bytes = Array(text.utf8.prefix(Self.hashLength + 1 + Self.maximumNameLength + 1))
    func refusal(_ reason: String) -> NixFormatError {
      .invalidStorePath(String(decoding: bytes, as: UTF8.self), reason: reason)
    }
    guard bytes.count > Self.hashLength + 1 else { throw refusal("it is too short") }
    guard bytes.prefix(Self.hashLength).allSatisfy({ NixBase32.value(of: $0) != nil }) else {
      throw refusal("its first 32 characters are not Nix base 32")
    }
    guard bytes[Self.hashLength] == UInt8(ascii: "-") else { throw refusal("no dash follows the hash") }
    let name = bytes.dropFirst(Self.hashLength + 1)
    guard name.count <= Self.maximumNameLength else {
      throw refusal("its name is longer than \(Self.maximumNameLength) characters")
    }
    guard name.first != UInt8(ascii: ".") else { throw refusal("its name begins with a dot") }
    guard name.allSatisfy(Self.isNameCharacter) else {
      throw refusal("its name has a character other than letters, digits and + - . _ ? =")
    }
    baseName = String(decoding: bytes, as: UTF8.self)
  }

  /// Parses `/nix/store/HASH-name`.
  public init(absolute text: some StringProtocol) throws(NixFormatError) {
    guard text.hasPrefix(Self.storeDirectory + "/") else {
      throw .invalidStorePath(String(text.prefix(280)), reason: "it is not in \(Self.storeDirectory)")
    }
    try self.init(baseName: text.dropFirst(Self.storeDirectory.count + 1))
  }

  /// The 32 characters that name the path in a binary cache.
  public var hashPart: String { String(baseName.prefix(Self.hashLength)) }

  public var name: String { String(baseName.dropFirst(Self.hashLength + 1)) }

  /// `/nix/store/HASH-name`
  public var description: String { Self.storeDirectory + "/" + baseName }

  public static func < (left: Self, right: Self) -> Bool { left.baseName < right.baseName }

  /// Whether the text is what a binary cache calls a path by: 32 characters of Nix base 32.
  public static func isHashPart(_ text: some StringProtocol) -> Bool {
    text.utf8.count == hashLength && text.utf8.allSatisfy { NixBase32.value(of: $0) != nil }
  }

  private static let hashLength = 32

  private static func isNameCharacter(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
      UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "+"), UInt8(ascii: "-"), UInt8(ascii: "."),
      UInt8(ascii: "_"), UInt8(ascii: "?"), UInt8(ascii: "="):
      true
    default: false
    }
  }
}
