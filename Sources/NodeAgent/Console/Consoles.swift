import Glibc
import NodeFiles

/// Every place where a person may be looking at this machine.
public struct Consoles: Sendable {
  private let devices: [String]

  /// Standard output, and where nobody copies that to all consoles, the consoles themselves.
  ///
  /// - Parameter root: before `/dev`, `/sys` and `/run`.
  public init(root: String = "") {
    // The micro-installer's init reads this pipe and writes to all consoles.
    guard !FileSystemEntry(root + "/run/bootstead/console").exists else {
      devices = []
      return
    }
    let active = FileSystemEntry(root + "/sys/class/tty/console/active").line ?? ""
    var found: [String] = []
    for name in active.split(separator: " ").map(String.init) + ["tty1", "ttyS0"] {
      let device = root + "/dev/" + (name == "tty0" ? "tty1" : name)
      if !found.contains(device), FileSystemEntry(device).exists { found.append(device) }
    }
    devices = found
  }

  /// Shows one line. A console that takes nothing, such as a serial port without a cable, is passed over.
  public func show(_ line: String) {
    let bytes = Array((line + "\r\n").utf8)
    write(bytes.filter { $0 != 13 }, to: STDOUT_FILENO)
    for device in devices {
      let descriptor = open(device, O_WRONLY | O_NOCTTY | O_NONBLOCK | O_CLOEXEC)
      guard descriptor >= 0 else { continue }
      write(bytes, to: descriptor)
      close(descriptor)
    }
  }

  private func write(_ bytes: [UInt8], to descriptor: Int32) {
    var rest = bytes[...]
    while !rest.isEmpty {
      // Standard output may be a pipe that nobody empties: an install does not wait for a reader.
      var state = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
      guard poll(&state, 1, 200) == 1, state.revents & Int16(POLLOUT) != 0 else { return }
      let count = rest.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
      if count < 0, errno == EINTR { continue }
      guard count > 0 else { return }
      rest = rest.dropFirst(count)
    }
  }
}
