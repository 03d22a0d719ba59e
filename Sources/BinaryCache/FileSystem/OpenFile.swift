import Glibc

/// Glibc's Swift module leaves out what needs _GNU_SOURCE.
@_silgen_name("syncfs")
private func syncfs(_ descriptor: Int32) -> Int32

/// A file descriptor that is closed with its value.
package struct OpenFile: ~Copyable, Sendable {
  package let descriptor: Int32
  package let path: String

  package init(_ path: String, flags: Int32, mode: mode_t = 0) throws(SystemCallError) {
    descriptor = open(path, flags | O_CLOEXEC, mode)
    self.path = path
    guard descriptor >= 0 else { throw SystemCallError(call: "open", path: path, code: errno) }
  }

  /// - Parameter path: not followed where it is a link; a pipe is read as an empty file instead of being waited for.
  package init(reading path: String) throws(SystemCallError) {
    try self.init(path, flags: O_RDONLY | O_NOFOLLOW | O_NONBLOCK)
  }

  deinit { if descriptor >= 0 { close(descriptor) } }

  /// The next bytes, none at the end of the file.
  package func read(upTo count: Int) throws(SystemCallError) -> [UInt8] {
    while true {
      var result: Int = 0
      let bytes = [UInt8](unsafeUninitializedCapacity: count) { buffer, initialized in
        result = Glibc.read(descriptor, buffer.baseAddress, buffer.count)
        initialized = max(result, 0)
      }
      if result >= 0 { return bytes }
      guard errno == EINTR else { throw SystemCallError(call: "read", path: path, code: errno) }
    }
  }

  package func write(_ bytes: UnsafeRawBufferPointer) throws(SystemCallError) {
    var rest = bytes
    while !rest.isEmpty {
      let count = Glibc.write(descriptor, rest.baseAddress, rest.count)
      if count >= 0 {
        rest = UnsafeRawBufferPointer(rebasing: rest.dropFirst(count))
      } else if errno != EINTR {
        throw SystemCallError(call: "write", path: path, code: errno)
      }
    }
  }

  package func write(_ bytes: ArraySlice<UInt8>) throws(SystemCallError) {
    let result = bytes.withUnsafeBytes { buffer in
      Result { () throws(SystemCallError) in try write(buffer) }
    }
    try result.get()
  }

  package func synchronize() throws(SystemCallError) {
    guard fsync(descriptor) == 0 else { throw SystemCallError(call: "fsync", path: path, code: errno) }
  }

  /// Everything written to this file's file system is on the disk after this.
  package func synchronizeFileSystem() throws(SystemCallError) {
    guard syncfs(descriptor) == 0 else { throw SystemCallError(call: "syncfs", path: path, code: errno) }
  }
}
