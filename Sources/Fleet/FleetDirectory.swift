import BootDecision
import NetworkAddress
import Synchronization

/// The machines as the boot services need them, in memory: DHCP is answered without touching the database.
public final class FleetDirectory: Sendable {
  private struct Content {
    var byAddress: [MACAddress: MachineView] = [:]
  }

  private let content = Mutex(Content())

  public init() {}

  public func view(of mac: MACAddress) -> MachineView? { content.withLock { $0.byAddress[mac] } }

  func replace(with views: [MACAddress: MachineView]) { content.withLock { $0.byAddress = views } }
}
