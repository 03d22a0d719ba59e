import Glibc
import Synchronization

/// A lock that ends with the process that holds it, however that ends.
public final class FileLock: Sendable {
  private let descriptor: Mutex<Int32?>

  private init(_ descriptor: Int32) { self.descriptor = Mutex(descriptor) }

  /// - Parameter holder: what works under the lock, for the message.
  /// - Throws: kind `locked` where another process holds it.
  public static func acquire(_ path: String, holder: String) throws(NodeWorkError) -> FileLock {
    try DurableFile.makeFolder(DurableFile.folder(of: path))
    let descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
    guard descriptor >= 0 else {
      throw NodeWorkError(.file, "can not open the lock \(path): \(String(cString: strerror(errno)))")
    }
    guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
      close(descriptor)
      throw NodeWorkError(
        .locked, "another process works on \(holder)", advice: "wait until it is done ('fuser \(path)' names it)")
    }
    return FileLock(descriptor)
  }

  public func release() {
    descriptor.withLock {
      if let number = $0 {
        // Not by closing alone: a child that was just forked holds the same lock until it runs its program.
        flock(number, LOCK_UN)
        close(number)
      }
      $0 = nil
    }
  }

  deinit { release() }
}
