import Glibc
import NixFormats

/// Writes an archive's content below a path as Nix keeps it in the store: files 0444 or 0555, directories 0555,
/// modified one second after 1970.
///
/// Nothing in an archive can lead out of the path: names are checked by ``NARReader``, every file and directory has to
/// be new, and no link is ever followed, because an entry below a link can not be written in an archive at all.
public final class NARUnpacker {
  /// Without the terminating NUL.
  private var path: [CChar]
  /// Length of ``path`` before each open directory's name.
  private var lengths: [Int] = []
  private var descriptor: Int32 = -1
  private var executable = false

  /// - Parameter path: where the archive's root goes; nothing may be there.
  public init(path: String) { self.path = path.utf8CString.dropLast() }

  deinit { if descriptor >= 0 { close(descriptor) } }

  public func apply(_ events: [NAREvent]) throws(SystemCallError) {
    for event in events { try apply(event) }
  }

  private func apply(_ event: NAREvent) throws(SystemCallError) {
    switch event {
    case .directory(let name):
      lengths.append(path.count)
      append(name)
      guard mkdir(path + [0], 0o700) == 0 else { throw failure("mkdir") }
    case .endOfDirectory:
      guard chmod(path + [0], 0o555) == 0 else { throw failure("chmod") }
      try setModificationTime()
      if let length = lengths.popLast() { path.removeLast(path.count - length) }
    case .file(let name, let executable, _):
      let length = path.count
      append(name)
      descriptor = open(path + [0], O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0o600)
      guard descriptor >= 0 else { throw failure("open") }
      self.executable = executable
      path.removeLast(path.count - length)
    case .data(let bytes):
      try write(bytes)
    case .endOfFile:
      var times = Self.storeTimes
      guard fchmod(descriptor, executable ? 0o555 : 0o444) == 0, futimens(descriptor, &times) == 0 else {
        throw failure("chmod")
      }
      let closed = close(descriptor)
      descriptor = -1
      guard closed == 0 else { throw failure("close") }
    case .symlink(let name, let target):
      let length = path.count
      append(name)
      guard symlink(target.map(CChar.init(bitPattern:)) + [0], path + [0]) == 0 else { throw failure("symlink") }
      try setModificationTime()
      path.removeLast(path.count - length)
    }
  }

  private func append(_ name: [UInt8]) {
    guard !name.isEmpty else { return }
    path.append(CChar(bitPattern: UInt8(ascii: "/")))
    path += name.map(CChar.init(bitPattern:))
  }

  private func write(_ bytes: ArraySlice<UInt8>) throws(SystemCallError) {
    let code: Int32 = bytes.withUnsafeBytes { buffer in
      var rest = buffer
      while !rest.isEmpty {
        let count = Glibc.write(descriptor, rest.baseAddress, rest.count)
        if count >= 0 {
          rest = UnsafeRawBufferPointer(rebasing: rest.dropFirst(count))
        } else if errno != EINTR {
          return errno
        }
      }
      return 0
    }
    if code != 0 {
      errno = code
      throw failure("write")
    }
  }

  private func setModificationTime() throws(SystemCallError) {
    var times = Self.storeTimes
    guard utimensat(AT_FDCWD, path + [0], &times, AT_SYMLINK_NOFOLLOW) == 0 else { throw failure("utimensat") }
  }

  /// Access and modification (nix, src/libstore/local-store.cc, `mtimeStore`).
  private static let storeTimes = [timespec(tv_sec: 1, tv_nsec: 0), timespec(tv_sec: 1, tv_nsec: 0)]

  private func failure(_ call: String) -> SystemCallError {
    let code = errno
    return SystemCallError(
      call: call, path: String(decoding: path.map(UInt8.init(bitPattern:)), as: UTF8.self), code: code)
  }
}
