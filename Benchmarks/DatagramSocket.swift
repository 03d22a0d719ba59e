import Glibc
import NetworkAddress

/// A UDP socket that never blocks.
struct DatagramSocket: ~Copyable {
  let descriptor: Int32

  /// Enough for every answer that can be on its way, so that what is lost was lost by the server.
  private static let receiveBuffer: Int32 = 8 << 20

  /// - Parameters:
  ///   - port: 0 for any.
  ///   - device: the only interface that packets come from and go to.
  init(port: UInt16 = 0, device: String? = nil) throws(SystemFailure) {
    let descriptor = socket(AF_INET, Int32(SOCK_DGRAM.rawValue | SOCK_NONBLOCK.rawValue | SOCK_CLOEXEC.rawValue), 0)
    guard descriptor >= 0 else { throw SystemFailure("socket") }
    do throws(SystemFailure) {
      try Self.prepare(descriptor, port: port, device: device)
    } catch {
      close(descriptor)
      throw error
    }
    self.descriptor = descriptor
  }

  deinit { close(descriptor) }

  private static func prepare(_ descriptor: Int32, port: UInt16, device: String?) throws(SystemFailure) {
    try set(descriptor, SO_BROADCAST, to: 1)
    do throws(SystemFailure) {
      try set(descriptor, SO_RCVBUFFORCE, to: receiveBuffer)
    } catch {
      // Only root may go beyond the system's limit.
      try set(descriptor, SO_RCVBUF, to: receiveBuffer)
    }
    if let device {
      let bound = setsockopt(descriptor, SOL_SOCKET, SO_BINDTODEVICE, device, socklen_t(device.utf8.count))
      guard bound == 0 else { throw SystemFailure("SO_BINDTODEVICE \(device)") }
    }
    let bound = SocketAddress(.any, port: port).withSocketAddress { bind(descriptor, $0, $1) }
    guard bound == 0 else { throw SystemFailure("bind to UDP port \(port)") }
  }

  private static func set(_ descriptor: Int32, _ option: Int32, to value: Int32) throws(SystemFailure) {
    var value = value
    guard setsockopt(descriptor, SOL_SOCKET, option, &value, socklen_t(MemoryLayout<Int32>.size)) == 0 else {
      throw SystemFailure("setsockopt \(option)")
    }
  }

  func send(_ bytes: [UInt8], to address: SocketAddress) throws(SystemFailure) {
    let sent = address.withSocketAddress { sendto(descriptor, bytes, bytes.count, 0, $0, $1) }
    guard sent == bytes.count else { throw SystemFailure("sendto") }
  }

  /// The length of a datagram that was there, or nil.
  func receive(into buffer: inout [UInt8], from address: inout SocketAddress) -> Int? {
    var length = socklen_t(MemoryLayout<sockaddr_in>.size)
    let count = withUnsafeMutablePointer(to: &address.storage) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        recvfrom(descriptor, &buffer, buffer.count, 0, $0, &length)
      }
    }
    return count >= 0 ? count : nil
  }

  /// Waits until a datagram is there.
  /// - Returns: false after `milliseconds` without one.
  func wait(milliseconds: Int32) -> Bool {
    var entry = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
    return poll(&entry, 1, milliseconds) > 0
  }
}
