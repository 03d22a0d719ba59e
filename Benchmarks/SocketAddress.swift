import ArgumentParser
import Glibc
import NetworkAddress

/// An IPv4 address and port for the socket calls.
struct SocketAddress {
  var storage = sockaddr_in()

  init() {}

  init(_ address: IPv4Address, port: UInt16) {
    storage.sin_family = sa_family_t(AF_INET)
    storage.sin_port = port.bigEndian
    storage.sin_addr.s_addr = address.value.bigEndian
  }

  /// Hands out the generic form that the socket calls take.
  func withSocketAddress<Result>(_ body: (UnsafePointer<sockaddr>, socklen_t) -> Result) -> Result {
    withUnsafePointer(to: storage) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { body($0, socklen_t(MemoryLayout<sockaddr_in>.size)) }
    }
  }
}

extension IPv4Address: ExpressibleByArgument {
  public init?(argument: String) { try? self.init(argument) }
}
