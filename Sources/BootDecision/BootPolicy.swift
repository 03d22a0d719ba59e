import DHCP
import NetworkAddress

/// What happens to machines that nobody registered.
public enum Enrolment: String, Sendable, Codable, CaseIterable {
  /// Silence.
  case closed
  /// They boot the installer, which reports what they are and changes nothing.
  case inventory
  /// As ``inventory``; the appliance then approves them by itself.
  case automatic
}

/// Which relays (`giaddr`) are answered. The address is the sender's own word, so without a limit the responder would
/// send packets to whoever is named there.
public enum RelayPolicy: Hashable, Sendable, Codable {
  case none
  /// Relays in 10/8, 172.16/12, 192.168/16, 100.64/10 and 169.254/16.
  case privateAddresses
  case only([IPv4Address])
}

/// The settings that boot decisions depend on.
public struct BootPolicy: Hashable, Sendable, Codable {
  public var enrolment: Enrolment
  /// The appliance's address on each interface it serves, by the interface's name.
  public var addresses: [String: IPv4Address]
  /// The port of the boot HTTP server.
  public var httpPort: UInt16
  /// The loader for each platform; a platform that is not here is not answered.
  public var loaders: [ClientArchitecture.Platform: LoaderName]
  public var relays: RelayPolicy
  /// Seconds and count of the loop guard: an iPXE that fetched a loader so often within that time gets only its script.
  public var loopWindow: Int
  public var loopCount: Int

  public init(
    enrolment: Enrolment = .closed, addresses: [String: IPv4Address], httpPort: UInt16 = 8080,
    loaders: [ClientArchitecture.Platform: LoaderName] = BootPolicy.defaultLoaders,
    relays: RelayPolicy = .privateAddresses, loopWindow: Int = 60, loopCount: Int = 2
  ) {
    self.enrolment = enrolment
    self.addresses = addresses
    self.httpPort = httpPort
    self.loaders = loaders
    self.relays = relays
    self.loopWindow = loopWindow
    self.loopCount = loopCount
  }

  /// The names of Debian's iPXE builds. UEFI gets `snponly.efi`, because native drivers fight with the firmware's on
  /// many machines (ipxe issues 973, 250, 541, 1211).
  public static let defaultLoaders: [ClientArchitecture.Platform: LoaderName] = [
    .bios: .undionly, .uefiX64: .snponly, .uefiARM64: .arm64,
  ]

  /// Whether packets may go to a relay or, at port 4011, to a client with this address.
  public func mayAnswer(relay address: IPv4Address) -> Bool {
    guard address.isUsableHost, !addresses.values.contains(address) else { return false }
    return switch relays {
    case .none: false
    case .privateAddresses: address.isPrivate
    case .only(let list): list.contains(address)
    }
  }
}

extension IPv4Address {
  /// Names one host: not 0/8, loopback, multicast, reserved or broadcast.
  package var isUsableHost: Bool { value >> 24 != 0 && !isLoopback && value < 0xE000_0000 }

  /// RFC 1918, RFC 6598 (shared) and RFC 3927 (link-local).
  package var isPrivate: Bool {
    value >> 24 == 10 || value >> 20 == 0xAC1 || value >> 16 == 0xC0A8 || value >> 22 == 0x191 || value >> 16 == 0xA9FE
  }
}
