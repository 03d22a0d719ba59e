import BootDecision
import DHCP
import NetworkAddress
import Testing

/// A network with somebody else's DHCP server and the appliance.
final class Site {
  let lan: SimulatedLAN
  let dhcp: ForeignDHCPServer
  let appliance: Appliance

  init(
    _ conditions: NetworkConditions = .clean, seed: UInt64 = 1, dhcp: ForeignDHCPServer.Settings = .init(),
    policy: BootPolicy = Site.policy()
  ) {
    lan = SimulatedLAN(conditions, seed: seed)
    self.dhcp = ForeignDHCPServer(lan, dhcp)
    appliance = Appliance(lan, policy: policy)
  }

  /// Also U-Boot gets a file.
  static func policy(_ enrolment: Enrolment = .closed, uefi: LoaderName = .snponly) -> BootPolicy {
    var policy = BootPolicy(enrolment: enrolment, addresses: [:])
    policy.loaders[.uefiX64] = uefi
    policy.loaders[.uBootARM64] = .arm64
    return policy
  }

  static func mac(_ number: Int = 1) -> MACAddress {
    // swift-format-ignore: NeverForceUnwrap
    MACAddress(bytes: [0x52, 0x54, 0, UInt8(number >> 16 & 255), UInt8(number >> 8 & 255), UInt8(number & 255)])!
  }

  static func script(_ mac: MACAddress, uuid: String? = nil) -> String {
    "http://\(Appliance.address):8080/boot.ipxe?mac=\(mac.hyphenated)" + (uuid.map { "&uuid=\($0)" } ?? "")
  }

  /// Powers a client on and runs until its boot ends.
  @discardableResult
  func boot(_ client: SimulatedClient, within limit: Duration = .seconds(600)) -> ClientOutcome? {
    client.powerOn()
    lan.run(for: limit) { client.outcome != nil }
    return client.outcome
  }
}

/// The scripted clients.
enum ClientType: String, CaseIterable, Sendable {
  case edk2, edk2ARM64, edk2HTTP, iPXE, flexBoot, strippedIPXE, bootAgent, bootAgentAskingAlways, uBoot

  func make(_ lan: SimulatedLAN, _ mac: MACAddress, on link: Link = .lan) -> SimulatedClient {
    switch self {
    case .edk2: return EDK2Client(lan, mac, on: link)
    case .edk2ARM64:
      let client = EDK2Client(lan, mac, on: link)
      client.architecture = 11
      return client
    case .edk2HTTP: return EDK2HTTPClient(lan, mac, on: link)
    case .iPXE: return IPXEClient(lan, mac, on: link)
    case .flexBoot, .strippedIPXE:
      let client = IPXEClient(lan, mac, on: link)
      client.build = self == .flexBoot ? .flexBoot : .stripped
      return client
    case .bootAgent, .bootAgentAskingAlways:
      let client = BootAgentClient(lan, mac, on: link)
      client.asksBootServerAlways = self == .bootAgentAskingAlways
      return client
    case .uBoot:
      let client = UBootClient(lan, mac, on: link)
      // Its 100 ms are for a network without delays.
      if lan.conditions.delay > .zero { client.proxyWait = .seconds(3) }
      return client
    }
  }

  /// Whether a boot ended as it should.
  func isRight(_ client: SimulatedClient) -> Bool {
    switch self {
    case .edk2: return hasLoaded(client, "snponly.efi")
    case .edk2ARM64, .uBoot: return hasLoaded(client, "ipxe-arm64.efi")
    case .bootAgent, .bootAgentAskingAlways, .strippedIPXE: return hasLoaded(client, "undionly.kpxe")
    // The content comes over TCP.
    case .edk2HTTP: return client.outcome == .loaded("snponly.efi", from: Appliance.address)
    case .iPXE, .flexBoot:
      guard case .script(let uri) = client.outcome else { return false }
      return uri.hasPrefix(Site.script(client.mac) + "&uuid=")
    }
  }

  private func hasLoaded(_ client: SimulatedClient, _ name: String) -> Bool {
    client.outcome == .loaded(name, from: Appliance.address) && client.content == Loaders.all[name]
  }
}
