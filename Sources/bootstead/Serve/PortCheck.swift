import Glibc
import NetworkAddress

/// Finds out at start-up, with a plain answer, whether a TCP port can be had.
/// - Throws: ``CommandFailure`` naming the port and the way out.
func checkPort(_ port: Int, on address: IPv4Address) throws {
  let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
  guard descriptor >= 0 else {
    throw CommandFailure.failed("no socket can be made: \(String(cString: strerror(errno)))")
  }
  defer { close(descriptor) }
  var reuse: Int32 = 1
  setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &reuse, socklen_t(MemoryLayout<Int32>.size))
  var name = sockaddr_in()
  name.sin_family = sa_family_t(AF_INET)
  name.sin_port = UInt16(truncatingIfNeeded: port).bigEndian
  name.sin_addr.s_addr = address.value.bigEndian
  let bound = withUnsafePointer(to: &name) { pointer in
    pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
      bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0 && listen(descriptor, 1) == 0
    }
  }
  guard !bound else { return }
  switch errno {
  case EADDRINUSE:
    throw CommandFailure.failed(
      "TCP port \(port) on \(address) is taken by another program: stop it ('ss -ltnp' names it), or choose --http-port"
    )
  case EACCES:
    throw CommandFailure.failed("TCP port \(port) needs root or the capability CAP_NET_BIND_SERVICE")
  case let code:
    throw CommandFailure.failed("TCP port \(port) on \(address) can not be used: \(String(cString: strerror(code)))")
  }
}
