public import NetworkAddress

/// What a boot kit's script does: for which machine, over which addresses, to which appliance.
public struct BootKitScript: Hashable, Sendable {
  public var appliance: ApplianceURL
  /// The only machine that it is for; nil for any.
  public var machine: Machine?
  /// Nil asks DHCP.
  public var address: FixedAddress?

  public init(appliance: ApplianceURL, machine: Machine? = nil, address: FixedAddress? = nil) {
    self.appliance = appliance
    self.machine = machine
    self.address = address
  }

  public struct Machine: Hashable, Sendable {
    public var name: IPXEText
    /// The ports that are tried; never none.
    public var addresses: [MACAddress]

    /// - Throws: ``IPXEValueError/empty(what:)`` without an address.
    public init(name: IPXEText, addresses: [MACAddress]) throws(IPXEValueError) {
      guard !addresses.isEmpty else { throw .empty(what: "the list of the machine's addresses") }
      self.name = name
      self.addresses = addresses
    }
  }

  /// What the kit was booted as decides which BIOS drive the machine's own disk is.
  public enum Medium: String, Hashable, Sendable, CaseIterable {
    /// BIOS numbers the stick that it booted from as the first drive, and the machine's disk as the second one.
    case disk
    /// A CD takes no number of a disk.
    case cd

    var firstDrive: String { self == .disk ? "0x81" : "0x80" }
  }

  /// The script for a kit that was booted as `medium`.
  public func text(for medium: Medium) throws(IPXEValueError) -> IPXEScript {
    let names = machine?.addresses.map(\.description) ?? []
    return try IPXEScript(
      PackageResources.kit_ipxe,
      [
        "APPLIANCE": appliance.text, "DRIVE": medium.firstDrive, "MACHINE": machine?.name.text ?? "any machine",
        "ADDRESSES": names.isEmpty ? "any" : names.joined(separator: " "),
        "PORTS": names.isEmpty
          ? "goto port"
          : (names.map { "iseq ${net${bs-nic}/mac} \($0) && goto port ||" } + ["goto nextnic"])
            .joined(separator: "\n"),
        "ARGUMENTS": address.map { "set bs-arguments \($0.kernelArguments)" } ?? "clear bs-arguments",
        "WAITING": address.map { "using \($0)" } ?? "waiting for a link and an address from DHCP",
        "FAILED": address == nil ? "DHCP gave no address" : "the port can not be opened",
        "CONFIGURE": address?.commands ?? "ifconf --configurator dhcp net${bs-nic} && goto fetch ||",
      ])
  }
}

/// An address for a machine in a network without DHCP.
public struct FixedAddress: Hashable, Sendable, CustomStringConvertible {
  public let address: IPv4Address
  /// 1 to 30.
  public let prefixLength: Int
  public let gateway: IPv4Address?
  /// At most 3, the first one is iPXE's.
  public let nameServers: [IPv4Address]

  /// - Parameter text: as `192.0.2.5/24`.
  /// - Throws: ``IPXEValueError/invalidAddress(_:reason:)`` for an address that no host can have, or a gateway that is
  ///   not in its network.
  public init(_ text: String, gateway: IPv4Address? = nil, nameServers: [IPv4Address] = []) throws(IPXEValueError) {
    let parts = text.split(separator: "/", omittingEmptySubsequences: false)
    guard parts.count == 2, let address = try? IPv4Address(String(parts[0])),
      parts[1].utf8.allSatisfy({ (0x30...0x39).contains($0) }), let prefix = Int(parts[1]), (1...30).contains(prefix)
    else { throw .invalidAddress(text, reason: "write it like 192.0.2.5/24, with a prefix of 1 to 30 bits") }
    let mask = UInt32.max << UInt32(32 - prefix)
    let network = address.value & mask
    guard address.value != network, address.value != network | ~mask, (1...223).contains(address.value >> 24),
      !address.isLoopback
    else { throw .invalidAddress(text, reason: "this is not the address of one host") }
    if let gateway, gateway.value & mask != network || gateway == address {
      throw .invalidAddress("\(gateway)", reason: "the gateway has to be another address in the network of \(text)")
    }
    guard nameServers.count <= 3 else { throw .invalidAddress(text, reason: "more than 3 name servers") }
    self.address = address
    prefixLength = prefix
    self.gateway = gateway
    self.nameServers = nameServers
  }

  public var description: String { "\(address)/\(prefixLength)" }

  /// For iPXE; the port's number is in `bs-nic`.
  var commands: String {
    var lines = [
      "set net${bs-nic}/ip \(address)",
      "set net${bs-nic}/netmask \(IPv4Address(UInt32.max << UInt32(32 - prefixLength)))",
    ]
    if let gateway { lines.append("set net${bs-nic}/gateway \(gateway)") }
    if let server = nameServers.first { lines.append("set net${bs-nic}/dns \(server)") }
    return (lines + ["ifopen net${bs-nic} && goto fetch ||"]).joined(separator: "\n")
  }

  /// For the installer, which goes on with the same address.
  var kernelArguments: String {
    var arguments = ["bootstead.address=\(self)"]
    if let gateway { arguments.append("bootstead.gateway=\(gateway)") }
    if !nameServers.isEmpty {
      arguments.append("bootstead.dns=" + nameServers.map(\.description).joined(separator: ","))
    }
    return arguments.joined(separator: " ")
  }
}
