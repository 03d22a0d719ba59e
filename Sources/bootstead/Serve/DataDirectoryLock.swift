import Foundation

/// One appliance to a data directory: a second one is refused.
final class DataDirectoryLock: Sendable {
  private let descriptor: Int32

  init(_ directory: URL) throws {
    let path = directory.appendingPathComponent("lock").path
    descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
    guard descriptor >= 0 else {
      throw CommandFailure.failed("\(path): \(String(cString: strerror(errno)))")
    }
    guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
      close(descriptor)
      throw CommandFailure.failed(
        "another appliance runs on \(directory.path): stop it first, or give this one its own --data directory")
    }
  }

  deinit { close(descriptor) }
}
