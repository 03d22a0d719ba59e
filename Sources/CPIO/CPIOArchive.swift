/// Whole archives in memory.
public enum CPIOArchive {
  /// A file that is laid over the root of an initramfs.
  public struct OverlayFile: Hashable, Sendable {
    public var path: String
    public var bytes: [UInt8]
    public var permissions: UInt16

    public init(path: String, bytes: [UInt8], permissions: UInt16 = 0o644) {
      self.path = path
      self.bytes = bytes
      self.permissions = permissions
    }
  }

  /// The archive of these entries, padded to 512 bytes, so that another archive can follow it: Linux finds the next
  /// one only at a multiple of 4 bytes (`init/initramfs.c`, `unpack_to_rootfs`).
  public static func bytes(of entries: [CPIOEntry]) throws(CPIOError) -> [UInt8] {
    var writer = CPIOWriter()
    for entry in entries { try writer.append(entry) }
    return writer.finish()
  }

  /// An archive of files with the directories above them, each once and before what is in it, mode 0755.
  public static func overlay(files: [OverlayFile]) throws(CPIOError) -> [UInt8] {
    var entries: [CPIOEntry] = []
    var directories: Set<String> = []
    var paths: Set<String> = []
    for file in files {
      guard paths.insert(file.path).inserted else { throw .duplicateName(path: file.path) }
      var parent = ""
      for part in file.path.split(separator: "/").dropLast() {
        parent += parent.isEmpty ? String(part) : "/" + part
        if directories.insert(parent).inserted { entries.append(CPIOEntry(path: parent, kind: .directory)) }
      }
      entries.append(CPIOEntry(path: file.path, kind: .file(file.bytes), permissions: file.permissions))
    }
    if let path = paths.first(where: directories.contains) { throw .duplicateName(path: path) }
    return try bytes(of: entries)
  }

  /// The entries of an archive, up to its end mark. What follows it may only be zero bytes.
  public static func entries(
    in bytes: some Collection<UInt8>, limits: CPIOLimits = CPIOLimits()
  ) throws(CPIOError) -> [CPIOEntry] {
    var reader = CPIOReader(bytes: Array(bytes), limits: limits)
    return try reader.readAll()
  }
}

/// The most that a reader accepts.
public struct CPIOLimits: Hashable, Sendable {
  /// Bytes, without the terminating zero.
  public var nameLength = 4095
  /// Bytes of one file.
  public var fileSize = 256 << 20
  /// Bytes of all files.
  public var totalSize = 1 << 30
  public var entries = 100_000

  public init() {}
}
