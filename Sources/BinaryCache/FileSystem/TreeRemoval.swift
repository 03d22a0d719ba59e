import Glibc

extension FileSystem {
  /// Removes a file, link or whole directory; links in it are removed, never followed. No error where there is none.
  package static func removeTree(_ path: String) throws(SystemCallError) {
    try removeTree(Array(path.utf8CString))
  }

  /// - Parameter path: NUL-terminated; the names in an archive need not be UTF-8.
  private static func removeTree(_ path: [CChar]) throws(SystemCallError) {
    func failure(_ call: String) -> SystemCallError {
      SystemCallError(
        call: call, path: String(decoding: path.dropLast().map(UInt8.init(bitPattern:)), as: UTF8.self), code: errno)
    }
    if unlink(path) == 0 || errno == ENOENT || errno == ENOTDIR { return }
    guard errno == EISDIR || errno == EPERM || errno == EACCES else { throw failure("unlink") }
    // Store directories are read-only, even for their owner.
    _ = chmod(path, 0o700)
    guard let directory = opendir(path) else { throw failure("opendir") }
    defer { closedir(directory) }
    while let entry = readdir(directory) {
      let name = withUnsafeBytes(of: &entry.pointee.d_name) { buffer in
        buffer.prefix { $0 != 0 }.map { CChar(bitPattern: $0) }
      }
      if name == [46] || name == [46, 46] { continue }
      try removeTree(path.dropLast() + [47] + name + [0])
    }
    guard rmdir(path) == 0 || errno == ENOENT else { throw failure("rmdir") }
  }
}
