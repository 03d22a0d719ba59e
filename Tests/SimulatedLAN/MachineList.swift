import BootDecision
import NetworkAddress
import ProxyDHCP
import Synchronization

/// The registered machines.
final class MachineList: MachineDirectory {
  private let machines = Mutex<[MACAddress: MachineView]>([:])

  subscript(mac: MACAddress) -> MachineView? {
    get { machines.withLock { $0[mac] } }
    set { machines.withLock { $0[mac] = newValue } }
  }

  func view(of mac: MACAddress, uuid: SystemUUID?) -> MachineView? { self[mac] }
}
