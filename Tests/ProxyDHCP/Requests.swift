import DHCP
import NetworkAddress

/// Requests as firmware sends them.
enum Requests {
  static func mac(_ last: UInt8 = 0x56) -> MACAddress {
    // swift-format-ignore: NeverForceUnwrap
    MACAddress(bytes: [0x52, 0x54, 0x00, 0x12, 0x34, last])!
  }

  /// OVMF, UEFI x64.
  static func edk2(_ mac: MACAddress = mac(), transactionID: UInt32 = 0x1234_5678) -> DHCPMessage {
    var message = DHCPMessage(operation: .request, transactionID: transactionID)
    message.setHardwareAddress(mac)
    message.flags = DHCPMessage.broadcastFlag
    message.messageType = .discover
    message.options[.maximumMessageSize] = [0x05, 0xC0]
    message.options[.parameterRequestList] = [1, 2, 3, 43, 54, 60, 66, 67]
    message.options[.machineIdentifier] = [0] + Array(1...16)
    message.options[.clientNetworkInterface] = [1, 3, 0]
    message.options[.clientArchitecture] = [0, 7]
    message.options[.vendorClass] = Array("PXEClient:Arch:00007:UNDI:003000".utf8)
    return message
  }

  /// What EDK2 asks at port 4011 once it has a lease.
  static func edk2BootServer(_ mac: MACAddress = mac(), clientAddress: IPv4Address) -> DHCPMessage {
    var message = edk2(mac)
    message.flags = 0
    message.messageType = .request
    message.clientAddress = clientAddress
    return message
  }

  /// iPXE as a BIOS ROM.
  static func iPXE(_ mac: MACAddress = mac(), transactionID: UInt32 = 0x9ABC_DEF0) -> DHCPMessage {
    var message = DHCPMessage(operation: .request, transactionID: transactionID)
    message.setHardwareAddress(mac)
    message.messageType = .discover
    message.options[.clientArchitecture] = [0, 0]
    message.options[.clientNetworkInterface] = [1, 2, 1]
    message.options[.vendorClass] = Array("PXEClient:Arch:00000:UNDI:002001".utf8)
    message.options[.userClass] = Array("iPXE".utf8)
    message.options[.iPXE] = [0x13, 1, 1, 0x15, 1, 1, 0x18, 1, 1, 0x27, 1, 1, 0xEB, 3, 1, 0, 0]
    message.options[.clientIdentifier] = [1] + mac.bytes
    return message
  }
}
