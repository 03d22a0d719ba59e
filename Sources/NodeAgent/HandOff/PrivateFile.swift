import Glibc

/// A file system step that failed.
public struct FileError: Error, Sendable, Hashable, CustomStringConvertible {
  public var path: String
  public var action: String
  public var reason: String

  init(_ action: String, _ path: String, error: Int32) {
    self.path = path
    self.action = action
    reason = String(cString: strerror(error))
  }

  public var description: String { "\(action) \(path): \(reason)" }
}

/// Files that only their owner may read.
enum PrivateFile {
  /// Whom a file belongs to, by number.
  struct Owner: Hashable, Sendable {
    var user: uid_t
    var group: gid_t
  }

  /// Writes a whole file: after a power cut there is the old content or the new, never a part.
  /// - Parameters:
  ///   - mode: without the umask.
  ///   - owner: root where nil.
  static func write(
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
  }

  /// Makes the folder and those above it; the last one gets mode 0700, the others 0755.
  static func makeFolder(_ path: String) throws(FileError) {
    try makeFolder(path, mode: 0o700)
    guard chmod(path, 0o700) == 0 else { throw FileError("change", path, error: errno) }
  }

  /// Makes the folder and those above it where they are missing.
  static func makeFolder(_ path: String, mode: mode_t) throws(FileError) {
    let parts = path.split(separator: "/")
    var current = path.hasPrefix("/") ? "" : "."
    for (index, part) in parts.enumerated() {
      current += "/" + part
      let isLast = index == parts.count - 1
      if mkdir(current, 0o755) == 0 {
        // Not left to mkdir, which takes the umask away.
        guard chmod(current, isLast ? mode : 0o755) == 0 else { throw FileError("change", current, error: errno) }
      } else if errno != EEXIST {
        throw FileError("make", current, error: errno)
      }
    }
  }
}
