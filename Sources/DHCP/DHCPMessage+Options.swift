import NetworkAddress

/// Option 94: the version of the firmware's network interface (RFC 4578, 2.2).
public struct ClientNetworkInterface: Hashable, Sendable, Codable {
  /// 1 is UNDI.
  public let type: UInt8
  public let major: UInt8
  public let minor: UInt8
}

/// What option 97 says about the machine (RFC 4578, 2.3).
public enum MachineIdentifier: Hashable, Sendable {
  case absent
  case uuid(SystemUUID)
  /// A value that boards carry whose maker never programmed one.
  case placeholder(SystemUUID)
  /// Not type 0 with 16 bytes. The message is good nevertheless: ROMs exist that get it wrong.
  case malformed(length: Int)
}

extension DHCPMessage {
  /// The client's MAC address, where it is Ethernet with a usable one.
  public var macAddress: MACAddress? {
    guard hardwareType == 1, hardwareAddressLength == 6 else { return nil }
    guard let address = MACAddress(bytes: hardwareAddressField.prefix(6)), address.value != 0, !address.isMulticast
    else { return nil }
    return address
  }

  /// Sets the hardware address fields for Ethernet.
  public mutating func setHardwareAddress(_ address: MACAddress) {
    hardwareType = 1
    hardwareAddressLength = 6
    hardwareAddressField = address.bytes + [UInt8](repeating: 0, count: 10)
  }

  /// nil where option 53 is missing (BOOTP), is not one byte, or has an unknown value.
  public var messageType: DHCPMessageType? {
    get {
      guard let value = options[.messageType], value.count == 1 else { return nil }
      return DHCPMessageType(rawValue: value[0])
    }
    set { options[.messageType] = newValue.map { [$0.rawValue] } }
  }

  public var serverIdentifier: IPv4Address? {
    get { address(.serverIdentifier) }
    set { options[.serverIdentifier] = newValue?.bytes }
  }

  public var requestedAddress: IPv4Address? { address(.requestedAddress) }

  private func address(_ code: DHCPOptionCode) -> IPv4Address? {
    options[code].flatMap { IPv4Address(bytes: $0) }
  }

  public var vendorClass: VendorClass? { options[.vendorClass].map { VendorClass($0) } }

  /// Option 77: the counted strings of RFC 3004 where they fit exactly, else the whole value as one string, as iPXE
  /// sends it.
  public var userClasses: [[UInt8]] {
    guard let value = options[.userClass], !value.isEmpty else { return [] }
    var classes: [[UInt8]] = []
    var rest = value[...]
    while let length = rest.first.map({ Int($0) }) {
      guard length > 0, rest.count > length else { return [value] }
      classes.append(Array(rest.dropFirst().prefix(length)))
      rest = rest.dropFirst(1 + length)
    }
    return classes
  }

  /// Option 93: every architecture the client can boot, best first; empty where it is missing or of odd length.
  public var clientArchitectures: [ClientArchitecture] {
    guard let value = options[.clientArchitecture], value.count.isMultiple(of: 2) else { return [] }
    return stride(from: 0, to: value.count, by: 2).map {
      ClientArchitecture(rawValue: UInt16(value[$0]) << 8 | UInt16(value[$0 + 1]))
    }
  }

  public var clientNetworkInterface: ClientNetworkInterface? {
    guard let value = options[.clientNetworkInterface], value.count == 3 else { return nil }
    return ClientNetworkInterface(type: value[0], major: value[1], minor: value[2])
  }

  public var machineIdentifier: MachineIdentifier {
    guard let value = options[.machineIdentifier], !value.isEmpty else { return .absent }
    guard value.count == 17, value[0] == 0, let uuid = SystemUUID(wireBytes: value.dropFirst()) else {
      return .malformed(length: value.count)
    }
    return uuid.isPlaceholder ? .placeholder(uuid) : .uuid(uuid)
  }

  /// Option 61 with at least the type byte and one byte more (RFC 2132, 9.14).
  public var clientIdentifier: [UInt8]? { options[.clientIdentifier].flatMap { $0.count >= 2 ? $0 : nil } }

  /// Option 82 as the relay sent it.
  public var relayAgentInformation: [UInt8]? { options[.relayAgentInformation] }

  /// Option 57 in bytes of IP datagram; values under the legal minimum of 576 are left out.
  public var maximumMessageSize: UInt16? {
    guard let value = options[.maximumMessageSize], value.count == 2 else { return nil }
    let size = UInt16(value[0]) << 8 | UInt16(value[1])
    return size >= 576 ? size : nil
  }

  public var parameterRequestList: [UInt8] { options[.parameterRequestList] ?? [] }

  /// Option 175, which only Etherboot's descendants send.
  public var iPXEOptions: IPXEOptions? { options[.iPXE].map { IPXEOptions($0) } }
}
