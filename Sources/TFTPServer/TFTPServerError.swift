import NIOCore
public import NetworkAddress

/// Why the server can not listen, and what to do about it.
public enum TFTPServerError: Error, Equatable, Sendable, CustomStringConvertible {
  case noAddress
  case portInUse(IPv4Address, port: Int)
  case notPermitted(IPv4Address, port: Int)
  case addressNotAvailable(IPv4Address, port: Int)
  case other(IPv4Address, port: Int, reason: String)

  public var description: String {
    switch self {
    case .noAddress: "TFTP has no address to listen on; name an interface that has one"
    case .portInUse(let address, let port):
      "TFTP can not listen on \(address):\(port): another program has the port; "
        + "see which with 'ss -lunp sport = :\(port)' and stop it (often tftpd-hpa, atftpd or dnsmasq)"
    case .notPermitted(let address, let port):
      "TFTP can not listen on \(address):\(port): not permitted; "
        + "run as root, or give the program the capability cap_net_bind_service"
    case .addressNotAvailable(let address, let port):
      "TFTP can not listen on \(address):\(port): no interface of this host has that address; see 'ip address'"
    case .other(let address, let port, let reason): "TFTP can not listen on \(address):\(port): \(reason)"
    }
  }

  init(_ error: any Error, address: IPv4Address, port: Int) {
    guard let error = error as? IOError else {
      self = .other(address, port: port, reason: String(describing: error))
      return
    }
    switch error.errnoCode {
    case ErrorNumber.addressInUse: self = .portInUse(address, port: port)
    case ErrorNumber.accessDenied, ErrorNumber.notPermitted: self = .notPermitted(address, port: port)
    case ErrorNumber.addressNotAvailable: self = .addressNotAvailable(address, port: port)
    default: self = .other(address, port: port, reason: error.description)
    }
  }

  /// Linux's numbers.
  private enum ErrorNumber {
    static let notPermitted: Int32 = 1
    static let accessDenied: Int32 = 13
    static let addressInUse: Int32 = 98
    static let addressNotAvailable: Int32 = 99
  }
}
