/// The name in a request, made one form: parts joined by `/`, with no part that could mean another folder.
///
/// It is a key into a table of names and never a path of a file system.
public struct TFTPRequestName: Hashable, Sendable, CustomStringConvertible {
  /// The longest name that is read, in bytes.
  public static let maximumLength = 255

  /// The parts, none empty, none `.` or `..`.
  public let components: [String]

  /// The parts joined by `/`, with none at the front.
  public var path: String { components.joined(separator: "/") }

  /// The last part: the file's own name.
  public var lastComponent: String { components.last ?? "" }

  public var description: String { path }

  /// Parses the name of a request. Windows loaders and shim write `\` for `/` (shim with a folder in its own path);
  /// GRUB begins with `/`; empty and `.` parts are dropped. Letters keep their case.
  public init(_ bytes: some Collection<UInt8>) throws(TFTPNameError) {
    guard bytes.count <= TFTPRequestName.maximumLength else { throw .tooLong(length: bytes.count) }
    guard !bytes.contains(where: { $0 < 0x20 || $0 == 0x7F }) else { throw .controlCharacter }
    guard let text = String(validating: bytes, as: UTF8.self) else { throw .notUTF8 }
    // U+0080 to U+009F are control characters too, two bytes each in UTF-8.
    guard !text.unicodeScalars.contains(where: { (0x80...0x9F).contains($0.value) }) else { throw .controlCharacter }
    let parts = text.split { $0 == "/" || $0 == "\\" }.filter { $0 != "." }
    guard !parts.contains("..") else { throw .parentFolder }
    guard !parts.isEmpty else { throw .empty }
    components = parts.map(String.init)
  }

  public init(_ text: String) throws(TFTPNameError) { try self.init(Array(text.utf8)) }
}

/// A name that no file can have.
public enum TFTPNameError: Error, Equatable, Sendable, CustomStringConvertible {
  case empty
  case tooLong(length: Int)
  case controlCharacter
  case notUTF8
  case parentFolder

  public var description: String {
    switch self {
    case .empty: "the file name is empty"
    case .tooLong(let length): "the file name has \(length) bytes, at most \(TFTPRequestName.maximumLength) are read"
    case .controlCharacter: "the file name has a control character"
    case .notUTF8: "the file name is not UTF-8"
    case .parentFolder: "the file name has a '..' part"
    }
  }
}
