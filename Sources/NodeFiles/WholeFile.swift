import Glibc

/// Files that are written whole: after a power cut there is the old content or the new, never a part.
public enum WholeFile {
  /// Whom a file belongs to, by number.
  public struct Owner: Hashable, Sendable {
    public var user: uid_t
    public var group: gid_t

    public init(user: uid_t, group: gid_t) {
      self.user = user
      self.group = group
    }
  }

  /// Writes a file beside its path, and gives it the name once it is on the disk.
  /// - Parameters:
  ///   - mode: without the umask.
  ///   - owner: root where nil.
  public static func write(
    _ content: [UInt8], to path: String, mode: mode_t = 0o600, owner: Owner? = nil
  ) throws(FileError) {
    let temporary = path + ".new"
    unlink(temporary)
    let descriptor = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0o600)
    guard descriptor >= 0 else { throw FileError("create", temporary, error: errno) }
    defer { close(descriptor) }
    var rest = content[...]
    while !rest.isEmpty {
      let count = rest.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
      if count < 0, errno == EINTR { continue }
      guard count > 0 else { throw FileError("write", temporary, error: errno) }
      rest = rest.dropFirst(count)
    }
    if let owner, fchown(descriptor, owner.user, owner.group) != 0 {
      throw FileError("give away", temporary, error: errno)
    }
    guard fchmod(descriptor, mode) == 0, fsync(descriptor) == 0 else {
      throw FileError("write", temporary, error: errno)
    }
    guard rename(temporary, path) == 0 else { throw FileError("rename", temporary, error: errno) }
    try writeOut(folder(of: path))
  }

  /// - Returns: nil where there is no such file.
  public static func bytes(of path: String) throws(FileError) -> [UInt8]? {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else {
      if errno == ENOENT || errno == ENOTDIR { return nil }
      throw FileError("read", path, error: errno)
    }
    defer { close(descriptor) }
    var content: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 65536)
    while true {
      let count = read(descriptor, &buffer, buffer.count)
      if count < 0, errno == EINTR { continue }
      guard count >= 0 else { throw FileError("read", path, error: errno) }
      if count == 0 { return content }
      content += buffer[0..<count]
    }
  }

  /// Nothing where there is no such file.
  public static func remove(_ path: String) throws(FileError) {
    guard unlink(path) == 0 || errno == ENOENT else { throw FileError("remove", path, error: errno) }
    try writeOut(folder(of: path))
  }

  public static func move(_ path: String, to target: String) throws(FileError) {
    guard rename(path, target) == 0 else { throw FileError("move to \(target)", path, error: errno) }
    try writeOut(folder(of: target))
  }

  /// The path without its last part.
  public static func folder(of path: String) -> String {
    guard let slash = path.lastIndex(of: "/") else { return "." }
    return slash == path.startIndex ? "/" : String(path[..<slash])
  }

  /// A name is on the disk once its folder is.
  private static func writeOut(_ folder: String) throws(FileError) {
    let descriptor = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard descriptor >= 0 else {
      // Removed with what was in it.
      if errno == ENOENT { return }
      throw FileError("open", folder, error: errno)
    }
    defer { close(descriptor) }
    guard fsync(descriptor) == 0 else { throw FileError("write out", folder, error: errno) }
  }

  /// Makes the folder and those above it; the last one gets mode 0700, the others 0755.
  public static func makeFolder(_ path: String) throws(FileError) {
    try makeFolder(path, mode: 0o700)
    guard chmod(path, 0o700) == 0 else { throw FileError("change", path, error: errno) }
  }

  /// Makes the folder and those above it where they are missing.
  public static func makeFolder(_ path: String, mode: mode_t, above: mode_t = 0o755) throws(FileError) {
    let parts = path.split(separator: "/")
    var current = path.hasPrefix("/") ? "" : "."
    for (index, part) in parts.enumerated() {
      current += "/" + part
      let isLast = index == parts.count - 1
      if mkdir(current, 0o755) == 0 {
        // Not left to mkdir, which takes the umask away.
        guard chmod(current, isLast ? mode : above) == 0 else { throw FileError("change", current, error: errno) }
      } else if errno != EEXIST {
        throw FileError("make", current, error: errno)
      }
    }
  }
}
