import DHCP
import NetworkAddress

/// Where a request arrived.
public enum BootPort: UInt16, Sendable, Codable {
  /// The server's port 67: broadcasts and relays.
  case dhcp = 67
  /// Port 4011: the boot server asked directly.
  case bootServer = 4011
}

/// What sent the request.
public enum ClientKind: String, Sendable, Codable, CaseIterable {
  /// Firmware or ROM that fetches a loader by TFTP.
  case pxe
  /// UEFI HTTP boot.
  case httpClient
  /// iPXE or one of its relatives.
  case iPXE
}

/// How it is known that a client is iPXE.
public enum IPXEEvidence: String, Sendable, Codable {
  case userClass
  case option175
  case vendorClass
}

/// Everything that one boot request says about its sender, parsed.
public struct ClientFacts: Hashable, Sendable, Codable {
  public var mac: MACAddress
  /// nil where it is missing, damaged or a placeholder.
  public var uuid: SystemUUID?
  /// The SMBIOS UUID is a value that boards carry whose maker never programmed one.
  public var hasPlaceholderUUID: Bool
  /// Every architecture the client offers to boot, best first; never empty.
  public var architectures: [ClientArchitecture]
  public var kind: ClientKind
  public var iPXEEvidence: IPXEEvidence?
  /// nil where the client sent no option 175.
  public var iPXEFeatures: IPXEFeatures?
  public var iPXEVersion: String?
  /// Option 60 in printable form, for people.
  public var vendorClass: String
  public var messageType: DHCPMessageType
  public var port: BootPort
  /// The name of the appliance's interface that the request came in on.
  public var interface: String
  public var transactionID: UInt32
  /// `ciaddr`; nil where it is zero.
  public var clientAddress: IPv4Address?
  /// `giaddr`; nil where the request came without a relay.
  public var relayAddress: IPv4Address?
  /// Option 54: the server the request is meant for.
  public var serverIdentifier: IPv4Address?
  /// Option 43, sub-option 71: the boot server type that was chosen from a menu.
  public var bootItem: PXEVendorOptions.BootItem?

  public init(
    mac: MACAddress, uuid: SystemUUID? = nil, hasPlaceholderUUID: Bool = false, architectures: [ClientArchitecture],
    kind: ClientKind, iPXEEvidence: IPXEEvidence? = nil, iPXEFeatures: IPXEFeatures? = nil, iPXEVersion: String? = nil,
    vendorClass: String = "", messageType: DHCPMessageType = .discover, port: BootPort = .dhcp, interface: String,
    transactionID: UInt32 = 0, clientAddress: IPv4Address? = nil, relayAddress: IPv4Address? = nil,
    serverIdentifier: IPv4Address? = nil, bootItem: PXEVendorOptions.BootItem? = nil
  ) {
    self.mac = mac
    self.uuid = uuid
    self.hasPlaceholderUUID = hasPlaceholderUUID
    self.architectures = architectures
    self.kind = kind
    self.iPXEEvidence = iPXEEvidence
    self.iPXEFeatures = iPXEFeatures
    self.iPXEVersion = iPXEVersion
    self.vendorClass = vendorClass
    self.messageType = messageType
    self.port = port
    self.interface = interface
    self.transactionID = transactionID
    self.clientAddress = clientAddress
    self.relayAddress = relayAddress
    self.serverIdentifier = serverIdentifier
    self.bootItem = bootItem
  }
}
