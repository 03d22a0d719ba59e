import DHCP
import NetworkAddress

/// The values of option 43 that our offers carry.
enum PXEMenu {
  /// Our boot server types, from the range that PXE leaves to vendors. Two, because a firmware exists that boots only
  /// where a menu has two entries (WillChamness/Dnsmasq-PXE issue 3).
  static let types: [UInt16] = [0x8000, 0x8001]

  /// Option 43 of an offer of a style; nil where the style goes without.
  static func vendorOptions(_ style: OfferStyle, server: IPv4Address) -> PXEVendorOptions? {
    var options = PXEVendorOptions()
    switch style {
    case .binl: return nil
    case .direct:
      options.discoveryControl = .useThisBootFile
      // EDK2 does not need the prompt; a Dell UEFI was seen to want 6 and 10 together.
      options.prompt = PXEVendorOptions.Prompt(timeout: 0, text: Array("PXE".utf8))
    case .menu:
      options.discoveryControl = [.noBroadcast, .noMulticast, .onlyListedServers]
      options.bootServers = types.map { PXEVendorOptions.BootServer(type: $0, addresses: [server]) }
      options.menu = types.map { PXEVendorOptions.MenuEntry(type: $0, text: Array("Bootstead".utf8)) }
      options.prompt = PXEVendorOptions.Prompt(timeout: 0, text: Array("PXE".utf8))
    }
    return options
  }
}
