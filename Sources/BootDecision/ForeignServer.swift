import DHCP
import NetworkAddress

/// Another DHCP or boot server on the network, as its broadcast offers show it.
public struct ForeignServer: Hashable, Sendable, Codable {
  /// What in its offers disturbs network boots through this appliance.
  public enum Finding: String, Sendable, Codable, CaseIterable {
    /// Option 60 `PXEClient` without option 43: EDK2 then asks this server at port 4011 and fails with PXE-E16.
    case claimsPXEWithoutVendorOptions
    /// iPXE and shim load the DHCP server's file instead of ours.
    case namesBootFile
    /// A second boot server: which of the two a machine takes is a race.
    case offersBoot

    /// What it means and what the operator can do.
    public var text: String {
      switch self {
      case .claimsPXEWithoutVendorOptions:
        "its DHCP offers carry option 60 'PXEClient' without option 43, so UEFI machines ask it instead of the"
          + " appliance and fail with PXE-E16; remove option 60 there"
      case .namesBootFile:
        "its DHCP offers name a boot file, which iPXE and shim prefer to the appliance's; remove the file name (option"
          + " 67) and next-server (option 66) there"
      case .offersBoot:
        "it is another network boot server; which of the two a machine takes is a race, so switch one of them off"
      }
    }
  }

  /// Option 54.
  public var address: IPv4Address
  /// The appliance's interface it was heard on.
  public var interface: String
  /// It gives out addresses; a server that does not is a boot server beside somebody's DHCP.
  public var assignsAddresses: Bool
  /// In printable form, at most 128 bytes of it.
  public var bootFile: String?
  /// `siaddr`, where it is not the server itself.
  public var nextServer: IPv4Address?
  public var findings: [Finding]

  /// Reads an offer or acknowledgement that another server sent; nil for everything else.
  public init?(_ message: DHCPMessage, interface: String) {
    guard message.operation == .reply, message.messageType == .offer || message.messageType == .acknowledgement,
      let address = message.serverIdentifier, address.isUsableHost
    else { return nil }
    self.address = address
    self.interface = interface
    assignsAddresses = message.yourAddress != .any
    let file = message.options[.bootFile].map { Array($0.prefix { $0 != 0 }) } ?? message.bootFile
    bootFile = file.isEmpty ? nil : PrintableText.escape(file.prefix(128))
    let next = message.nextServerAddress
    nextServer = next == .any || next == address ? nil : next

    let isBoot = message.vendorClass.map { $0.isPXE || $0.isHTTP } ?? false
    var findings: [Finding] = []
    if assignsAddresses, isBoot, message.options[.vendorSpecific] == nil {
      findings.append(.claimsPXEWithoutVendorOptions)
    }
    if assignsAddresses, !file.isEmpty { findings.append(.namesBootFile) }
    if !assignsAddresses, isBoot { findings.append(.offersBoot) }
    self.findings = findings
  }
}
