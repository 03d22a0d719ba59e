import Glibc

/// What the cache and the closure installer ask of the file system, with errors that name the path.
package enum FileSystem {
  package struct Entry: Sendable {
    package let isDirectory: Bool
    package let isRegularFile: Bool
    package let isSymbolicLink: Bool
    package let permissions: mode_t
    /// In bytes.
    package let size: UInt64
    /// In seconds since 1970.
    package let modified: Int
  }

  /// The entry itself, links are not followed; nil where there is none.
  package static func entry(at path: String) throws(SystemCallError) -> Entry? {
    var status = stat()
    guard lstat(path, &status) == 0 else {
      if errno == ENOENT || errno == ENOTDIR { return nil }
      throw SystemCallError(call: "stat", path: path, code: errno)
    }
    let kind = status.st_mode & S_IFMT
    return Entry(
      isDirectory: kind == S_IFDIR, isRegularFile: kind == S_IFREG, isSymbolicLink: kind == S_IFLNK,
      permissions: status.st_mode & 0o7777, size: UInt64(max(status.st_size, 0)), modified: status.st_mtim.tv_sec)
  }

  /// Makes a directory and what is missing above it.
  package static func makeDirectories(_ path: String, mode: mode_t = 0o755) throws(SystemCallError) {
    if mkdir(path, mode) == 0 { return }
    let code = errno
    if code == EEXIST, let entry = try entry(at: path), entry.isDirectory || entry.isSymbolicLink { return }
    guard code == ENOENT, let slash = path.lastIndex(of: "/"), slash != path.startIndex else {
      throw SystemCallError(call: "mkdir", path: path, code: code)
    }
    try makeDirectories(String(path[..<slash]), mode: 0o755)
    guard mkdir(path, mode) == 0 || errno == EEXIST else {
      throw SystemCallError(call: "mkdir", path: path, code: errno)
    }
  }

  /// The names in a directory without `.` and `..`, in no order; none where the directory does not exist. Names that
  /// are not UTF-8 are left out.
  package static func names(in path: String) throws(SystemCallError) -> [String] {
    guard let directory = opendir(path) else {
      if errno == ENOENT { return [] }
      throw SystemCallError(call: "opendir", path: path, code: errno)
    }
    defer { closedir(directory) }
    var names: [String] = []
    while true {
      errno = 0
      guard let entry = readdir(directory) else {
        guard errno == 0 else { throw SystemCallError(call: "readdir", path: path, code: errno) }
        return names
      }
      let name = withUnsafeBytes(of: &entry.pointee.d_name) { buffer in
        String(validating: buffer.prefix { $0 != 0 }, as: UTF8.self)
      }
      if let name, name != ".", name != ".." { names.append(name) }
    }
  }

  /// The whole content; nil where there is no such file.
  package static func contents(of path: String, limit: Int) throws(SystemCallError) -> [UInt8]? {
    let file: OpenFile
    do {
      file = try OpenFile(reading: path)
    } catch {
      if error.code == ENOENT { return nil }
      throw error
    }
    var bytes: [UInt8] = []
    while true {
      let chunk = try file.read(upTo: 64 * 1024)
      if chunk.isEmpty { return bytes }
      bytes += chunk
      guard bytes.count <= limit else { throw SystemCallError(call: "read", path: path, code: EFBIG) }
    }
  }

  /// Replaces a file as a whole: after a power cut it is either the old or the new one.
  package static func replace(
    _ path: String, with bytes: some Collection<UInt8>, mode: mode_t = 0o644
  ) throws(SystemCallError) {
    let temporary = path + ".new"
    do {
      try removeFile(temporary)
      let file = try OpenFile(temporary, flags: O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, mode: mode)
      try file.write(ArraySlice(bytes))
      try file.synchronize()
    } catch {
      unlink(temporary)
      throw error
    }
    try rename(temporary, to: path)
    try synchronizeDirectory(parent(of: path))
  }

  package static func rename(_ path: String, to destination: String) throws(SystemCallError) {
    guard Glibc.rename(path, destination) == 0 else {
      throw SystemCallError(call: "rename", path: "\(path) to \(destination)", code: errno)
    }
  }

  /// No error where there is no such file.
  package static func removeFile(_ path: String) throws(SystemCallError) {
    guard unlink(path) == 0 || errno == ENOENT else {
      throw SystemCallError(call: "unlink", path: path, code: errno)
    }
  }

  package static func synchronizeDirectory(_ path: String) throws(SystemCallError) {
    try OpenFile(path, flags: O_RDONLY | O_DIRECTORY).synchronize()
  }

  /// Makes or replaces a symbolic link in one step.
  package static func replaceLink(_ path: String, to target: String) throws(SystemCallError) {
    let temporary = path + ".new"
    try removeFile(temporary)
    guard symlink(target, temporary) == 0 else { throw SystemCallError(call: "symlink", path: path, code: errno) }
    try rename(temporary, to: path)
  }

  /// Where a symbolic link points; nil where there is none.
  package static func linkTarget(of path: String) throws(SystemCallError) -> String? {
    var target = [CChar](repeating: 0, count: 4096)
    let count = readlink(path, &target, target.count)
    guard count >= 0 else {
      if errno == ENOENT || errno == EINVAL || errno == ENOTDIR { return nil }
      throw SystemCallError(call: "readlink", path: path, code: errno)
    }
    return String(decoding: target.prefix(count).map(UInt8.init(bitPattern:)), as: UTF8.self)
  }

  /// Bytes that may still be written.
  package static func freeBytes(at path: String) throws(SystemCallError) -> UInt64 {
    var status = statvfs()
    guard statvfs(path, &status) == 0 else { throw SystemCallError(call: "statvfs", path: path, code: errno) }
    return UInt64(status.f_bavail) * UInt64(status.f_frsize)
  }

  package static func parent(of path: String) -> String {
    guard let slash = path.lastIndex(of: "/") else { return "." }
    return slash == path.startIndex ? "/" : String(path[..<slash])
  }
}
