/// What a Nix archive may hold, for the reader and the writer alike.
public struct NARLimits: Hashable, Sendable {
  /// Directories inside one another.
  public var depth: Int
  /// In bytes, of one file.
  public var fileSize: UInt64

  public init(depth: Int = 512, fileSize: UInt64 = UInt64(Int64.max)) {
    self.depth = depth
    self.fileSize = fileSize
  }

  /// In bytes: NAME_MAX and PATH_MAX - 1 of Linux.
  static let nameLength = 255
  static let targetLength = 4095
}

enum NARRules {
  static let magic = Array("nix-archive-1".utf8)

  /// Nothing that could leave the directory: not empty, no `.` or `..`, no `/`, no NUL.
  static func isLegal(name: [UInt8]) -> Bool {
    !name.isEmpty && name.count <= NARLimits.nameLength && name != [UInt8(ascii: ".")]
      && name != [UInt8(ascii: "."), UInt8(ascii: ".")] && !name.contains(UInt8(ascii: "/")) && !name.contains(0)
  }

  static func isLegal(target: [UInt8]) -> Bool {
    !target.isEmpty && target.count <= NARLimits.targetLength && !target.contains(0)
  }

  /// Zero bytes after a string of that length, to the next multiple of 8.
  static func padding(after length: UInt64) -> Int { Int((8 - length % 8) % 8) }
}
