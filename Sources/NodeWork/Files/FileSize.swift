import Glibc

enum FileSize {
  /// - Returns: nil where there is no such file.
  static func bytes(of path: String) -> UInt64? {
    var status = stat()
    return stat(path, &status) == 0 ? UInt64(status.st_size) : nil
  }
}
