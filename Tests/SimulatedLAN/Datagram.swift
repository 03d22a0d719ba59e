import NetworkAddress

struct Endpoint: Hashable, Sendable {
  var address: IPv4Address
  var port: UInt16

  init(_ address: IPv4Address, _ port: UInt16) {
    self.address = address
    self.port = port
  }
}

/// UDP over IPv4.
struct Datagram: Sendable {
  var source: Endpoint
  var destination: Endpoint
  var payload: [UInt8]

  var isBroadcast: Bool { destination.address == .broadcast }
}

/// Something with an address on the simulated network.
protocol SimulatedHost: AnyObject {
  func receive(_ datagram: Datagram, on link: Link)
}

/// A broadcast domain.
enum Link: String, Hashable, Sendable {
  /// Where the appliance is.
  case lan
  /// Behind a router.
  case branch
}
