import Glibc

/// The kernel could not be asked about its network.
public struct RouteSocketError: Error, Sendable, CustomStringConvertible {
  public let action: String
  public let code: Int32

  public var description: String { "asking the kernel for \(action): \(String(cString: strerror(code)))" }
}

/// Asks rtnetlink, which every Linux has, whatever tools are installed.
enum RouteSocket {
  enum Dump: UInt16 {
    case links = 18
    case addresses = 22
    case routes = 26

    /// Bytes of the message's own header.
    var header: Int {
      switch self {
      case .links: 16
      case .addresses: 8
      case .routes: 12
      }
    }
  }

  /// All messages of the answer, one behind the other.
  static func dump(_ dump: Dump) throws(RouteSocketError) -> [UInt8] {
    let descriptor = socket(AF_NETLINK, Int32(SOCK_RAW.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
    guard descriptor >= 0 else { throw RouteSocketError(action: "\(dump)", code: errno) }
    defer { close(descriptor) }
    var timeout = timeval(tv_sec: 5, tv_usec: 0)
    setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &timeout, socklen_t(MemoryLayout<timeval>.size))
    // Length, type, NLM_F_REQUEST | NLM_F_DUMP, sequence number 1, no sender; then the family-less header.
    let length = UInt8(16 + dump.header)
    var request: [UInt8] = [length, 0, 0, 0, UInt8(dump.rawValue), 0, 1, 3, 1, 0, 0, 0, 0, 0, 0, 0]
    request += [UInt8](repeating: 0, count: dump.header)
    guard send(descriptor, request, request.count, 0) == request.count else {
      throw RouteSocketError(action: "\(dump)", code: errno)
    }
    var answer: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 1 << 18)
    while true {
      let count = recv(descriptor, &buffer, buffer.count, 0)
      if count < 0, errno == EINTR { continue }
      guard count > 0 else { throw RouteSocketError(action: "\(dump)", code: errno) }
      answer += buffer[0..<count]
      if isLast(buffer[0..<count]) { return answer }
    }
  }

  /// Whether NLMSG_DONE (3) or NLMSG_ERROR (2) is among the messages.
  private static func isLast(_ bytes: ArraySlice<UInt8>) -> Bool {
    var rest = bytes
    while rest.count >= 16 {
      let start = rest.startIndex
      let length = Int(rest[start]) | Int(rest[start + 1]) << 8 | Int(rest[start + 2]) << 16
      let type = UInt16(rest[start + 4]) | UInt16(rest[start + 5]) << 8
      if type == 2 || type == 3 { return true }
      guard length >= 16 else { return true }
      rest = rest.dropFirst((length + 3) & ~3)
    }
    return false
  }
}
