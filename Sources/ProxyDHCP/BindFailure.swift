import NIOCore

#if canImport(Musl)
  import Musl
#else
  import Glibc
#endif

/// Says what the system's refusal of a socket means for the operator.
enum BindFailure {
  static func explain(_ error: any Error, port: Int, interface: String) -> ProxyDHCPError {
    guard let failure = error as? IOError else {
      return .cannotBind(port: port, interface: interface, reason: "\(error)")
    }
    switch failure.errnoCode {
    case EADDRINUSE: return .portInUse(port: port, interface: interface, holders: PortHolders.find(port: port))
    case EACCES, EPERM: return .missingPrivilege(port: port, interface: interface)
    case ENODEV: return .noSuchInterface(interface, available: ((try? NetworkInterface.all()) ?? []).map(\.name))
    default: return .cannotBind(port: port, interface: interface, reason: failure.description)
    }
  }
}
