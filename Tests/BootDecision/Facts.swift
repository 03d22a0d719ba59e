import BootDecision
import DHCP
import NetworkAddress

/// Clients and settings that the tests begin from.
enum Facts {
  static let appliance = IPv4Address(192, 168, 1, 10)

  static func mac(_ last: UInt8 = 0x56) -> MACAddress {
    // swift-format-ignore: NeverForceUnwrap
    MACAddress(bytes: [0x52, 0x54, 0x00, 0x12, 0x34, last])!
  }

  static func policy(_ enrolment: Enrolment = .closed) -> BootPolicy {
    BootPolicy(enrolment: enrolment, addresses: ["lan": appliance])
  }

  static func client(_ kind: ClientKind, _ architecture: ClientArchitecture) -> ClientFacts {
    var facts = ClientFacts(mac: mac(), architectures: [architecture], kind: kind, interface: "lan")
    if kind == .iPXE { facts.iPXEEvidence = .userClass }
    return facts
  }

  static func machine(_ intent: BootIntent = .install, _ quirks: MachineQuirks = MachineQuirks()) -> MachineView {
    MachineView(name: "node1", intent: intent, quirks: quirks)
  }

  /// OVMF's DISCOVER.
  static func discover(_ vendorClass: String = "PXEClient:Arch:00007:UNDI:003000", architecture: UInt8 = 7)
    -> DHCPMessage
  {
    var message = DHCPMessage(operation: .request, transactionID: 0x1234_5678)
    message.setHardwareAddress(mac())
    message.seconds = 4
    message.flags = DHCPMessage.broadcastFlag
    message.messageType = .discover
    message.options[.maximumMessageSize] = [0x05, 0xC0]
    message.options[.machineIdentifier] = [0] + Array(1...16)
    message.options[.clientArchitecture] = [0, architecture]
    message.options[.vendorClass] = Array(vendorClass.utf8)
    return message
  }
}
