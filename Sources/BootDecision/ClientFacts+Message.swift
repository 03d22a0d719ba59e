import DHCP
import NetworkAddress

/// Why a well-formed message is none of a boot server's business. Such messages are counted, not logged: most of what
/// arrives at port 67 is of this kind.
public enum IgnoredRequest: String, Error, Sendable, Codable, CaseIterable {
  /// A reply of a server.
  case notARequest
  /// Not Ethernet, or no usable MAC address.
  case unusableHardwareAddress
  /// Neither a PXE nor an HTTP boot client (option 60).
  case notNetworkBoot
  /// Plain BOOTP, or a damaged option 53.
  case noMessageType
  /// On port 67 only DISCOVER is answered: Intel's Boot Agent takes a proxy's ACK for the DHCP server's and hangs.
  case notADiscover
  /// On port 4011 only REQUEST and INFORM are answered.
  case notABootServerRequest
}

extension ClientFacts {
  /// Reads the facts of a request.
  /// - Parameters:
  ///   - message: the parsed request.
  ///   - port: the port it arrived at.
  ///   - interface: the name of the interface it arrived on.
  public init(_ message: DHCPMessage, port: BootPort, interface: String) throws(IgnoredRequest) {
    guard message.operation == .request else { throw .notARequest }
    guard let mac = message.macAddress else { throw .unusableHardwareAddress }
    guard let vendorClass = message.vendorClass, vendorClass.isPXE || vendorClass.isHTTP else { throw .notNetworkBoot }
    guard let messageType = message.messageType else { throw .noMessageType }
    switch port {
    case .dhcp: guard messageType == .discover else { throw .notADiscover }
    case .bootServer: guard messageType == .request || messageType == .inform else { throw .notABootServerRequest }
    }

    let evidence = Self.iPXEEvidence(message, vendorClass)
    let iPXE = message.iPXEOptions
    var architectures = message.clientArchitectures
    if architectures.isEmpty { architectures = [vendorClass.architecture ?? .x86BIOS] }
    if architectures[0] == .x86BIOS, mac.isRaspberryPi { architectures = [.raspberryPi] }

    self.init(
      mac: mac, architectures: architectures,
      // An iPXE that was loaded by HTTP boot copies the class HTTPClient, and is an iPXE all the same.
      kind: evidence != nil ? .iPXE : vendorClass.isHTTP ? .httpClient : .pxe,
      iPXEEvidence: evidence, iPXEFeatures: iPXE?.features, iPXEVersion: iPXE?.version,
      vendorClass: vendorClass.description, messageType: messageType, port: port, interface: interface,
      transactionID: message.transactionID,
      clientAddress: message.clientAddress == .any ? nil : message.clientAddress,
      relayAddress: message.relayAddress == .any ? nil : message.relayAddress,
      serverIdentifier: message.serverIdentifier,
      // A damaged option 43 of a client says nothing that is needed to boot it.
      bootItem: message.options[.vendorSpecific].flatMap { try? PXEVendorOptions($0) }?.bootItem)
    switch message.machineIdentifier {
    case .uuid(let uuid): self.uuid = uuid
    case .placeholder: hasPlaceholderUUID = true
    case .absent, .malformed: break
    }
  }

  // Mellanox FlexBoot is iPXE without a user class (warewulf issue 104), hence option 175.
  private static func iPXEEvidence(_ message: DHCPMessage, _ vendorClass: VendorClass) -> IPXEEvidence? {
    let name = Array("iPXE".utf8)
    if message.userClasses.contains(name) { return .userClass }
    if message.options[.iPXE] != nil { return .option175 }
    if vendorClass.bytes.count >= name.count,
      (0...vendorClass.bytes.count - name.count).contains(where: { vendorClass.bytes[$0...].starts(with: name) })
    {
      return .vendorClass
    }
    return nil
  }
}

extension MACAddress {
  /// The prefixes of Raspberry Pi Ltd, whose boot ROM calls itself an x86 BIOS (IEEE registry).
  fileprivate var isRaspberryPi: Bool {
    switch value >> 24 {
    case 0xB827EB, 0xDCA632, 0xE45F01, 0xD83ADD, 0x2CCF67, 0x28CDC1: true
    default: false
    }
  }
}
