import BootDecision
import NetworkAddress

/// Knows the registered machines. Asked once per request while the client waits, on the network's thread: it has to
/// answer from memory, at once.
public protocol MachineDirectory: Sendable {
  /// The machine that has this MAC address. The UUID is a hint of the sender and proves nothing.
  func view(of mac: MACAddress, uuid: SystemUUID?) -> MachineView?
}
