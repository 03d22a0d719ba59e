import Glibc
import NetworkAddress

/// The address of this host that the kernel would use to reach `peer`, or nil where no route leads there. No packet is
/// sent: connecting a datagram socket only looks the route up.
func sourceAddress(towards peer: IPv4Address) -> IPv4Address? {
  let descriptor = socket(AF_INET, Int32(SOCK_DGRAM.rawValue), 0)
  guard descriptor >= 0 else { return nil }
  defer { close(descriptor) }
  var address = sockaddr_in()
  address.sin_family = sa_family_t(AF_INET)
  address.sin_port = UInt16(9).bigEndian
  address.sin_addr.s_addr = peer.value.bigEndian
  let length = socklen_t(MemoryLayout<sockaddr_in>.size)
  let connected = withUnsafePointer(to: &address) { pointer in
    pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { connect(descriptor, $0, length) }
  }
  guard connected == 0 else { return nil }
  var local = sockaddr_in()
  var localLength = length
  let named = withUnsafeMutablePointer(to: &local) { pointer in
    pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { getsockname(descriptor, $0, &localLength) }
  }
  guard named == 0, local.sin_addr.s_addr != 0 else { return nil }
  return IPv4Address(UInt32(bigEndian: local.sin_addr.s_addr))
}
