import NodeFiles

/// What is mounted now.
public struct MountTable: Sendable {
  public struct Mount: Sendable, Hashable {
    /// Device or file system name.
    public var source: String
    public var target: String
  }

  public var mounts: [Mount]

  static func read(_ path: String = "/proc/self/mounts") -> MountTable {
    MountTable(text: FileSystemEntry(path).text(limit: 1 << 20) ?? "")
  }

  /// - Parameter text: in the form of fstab(5): fields between spaces, with octal escapes.
  public init(text: String) {
    mounts = text.split(separator: "\n").compactMap { line in
      let fields = line.split(separator: " ")
      guard fields.count >= 2 else { return nil }
      return Mount(source: Self.unescaped(fields[0]), target: Self.unescaped(fields[1]))
    }
  }

  /// The topmost mount at a path.
  public func mount(at path: String) -> Mount? { mounts.last { $0.target == path } }

  private static func unescaped(_ field: Substring) -> String {
    var bytes: [UInt8] = []
    var rest = Array(field.utf8)[...]
    while let byte = rest.popFirst() {
      let digits = rest.prefix(3)
      if byte == UInt8(ascii: "\\"), digits.count == 3,
        let value = UInt8(String(decoding: digits, as: UTF8.self), radix: 8)
      {
        bytes.append(value)
        rest = rest.dropFirst(3)
      } else {
        bytes.append(byte)
      }
    }
    return String(decoding: bytes, as: UTF8.self)
  }
}
