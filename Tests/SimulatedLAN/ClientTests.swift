import BootDecision
import DHCP
import NetworkAddress
import TFTP
import Testing

@Suite("Each client on a network that is not kind")
struct ClientTests {
  private static let seeds = UInt64(1)...6

  @Test(
    "each client loads what it should, in bounded time", arguments: ClientType.allCases, NetworkConditions.all)
  func loads(type: ClientType, conditions: NetworkConditions) {
    for seed in Self.seeds {
      let site = Site(conditions, seed: seed)
      site.appliance.register(Site.mac())
      let client = type.make(site.lan, Site.mac())
      // Where packets get lost a round may fail; a machine's firmware then begins anew.
      client.attemptLimit = conditions.loss > 0 ? 4 : 1
      site.boot(client, within: .seconds(conditions.loss > 0 ? 240 : 60))
      #expect(type.isRight(client), "seed \(seed): \(String(describing: client.outcome)), \(client.attempts) attempts")
    }
  }

  @Test("each client behind a relay loads what it should", arguments: ClientType.allCases, NetworkConditions.all)
  func relayed(type: ClientType, conditions: NetworkConditions) {
    for seed in Self.seeds {
      let site = Site(conditions, seed: seed)
      let relay = Relay(site.lan)
      site.appliance.register(Site.mac())
      let client = type.make(site.lan, Site.mac(), on: .branch)
      // Two ways more for each packet.
      if conditions.delay > .zero { site.lan.conditions.delay = conditions.delay / 2 }
      client.attemptLimit = conditions.loss > 0 ? 6 : 1
      site.boot(client, within: .seconds(conditions.loss > 0 ? 360 : 60))
      #expect(type.isRight(client), "seed \(seed): \(String(describing: client.outcome)), \(client.attempts) attempts")
      #expect(relay.dropped == 0)
      #expect(relay.withoutInformation == 0)
    }
  }

  @Test("the same seed gives the same run")
  func repeatable() {
    func run(_ seed: UInt64) -> [String] {
      let site = Site(.rough, seed: seed)
      site.appliance.register(Site.mac())
      let client = EDK2Client(site.lan, Site.mac())
      client.attemptLimit = 4
      site.boot(client)
      return ["\(String(describing: client.outcome))", "\(site.lan.now)", "\(site.lan.datagrams)"]
    }
    #expect(run(7) == run(7))
    #expect(run(7) != run(8))
  }

  @Test("EDK2 needs its 4 s for offers and one more for port 4011, and nothing else")
  func timeOfEDK2() throws {
    let site = Site()
    site.appliance.register(Site.mac())
    let start = site.lan.now
    let client = EDK2Client(site.lan, Site.mac())
    site.boot(client)
    let time = try #require(client.finishedAt) - start
    #expect(time > .seconds(5))
    #expect(time < .milliseconds(5200))
    // The size was asked for first, and that counts for neither a failure nor a loader.
    #expect(site.appliance.tftp.outcomes == [.sizeOnly])
    site.lan.run(for: .seconds(10))
    #expect(site.appliance.tftp.outcomes == [.sizeOnly, .completed])
    #expect(site.appliance.loaded == ["snponly.efi"])
    #expect(site.appliance.tftp.running == 0)
  }

  @Test(
    "from firmware through the loader to the machine's script", arguments: [ClientType.edk2, .bootAgent, .edk2HTTP])
  func chain(type: ClientType) {
    for conditions in NetworkConditions.all {
      let site = Site(conditions, seed: 3)
      site.appliance.register(Site.mac(), .localDisk)
      let firmware = type.make(site.lan, Site.mac())
      let loader = IPXEClient(site.lan, Site.mac())
      loader.build = .chained(architecture: type == .bootAgent ? 0 : 7)
      firmware.attemptLimit = 4
      loader.attemptLimit = 4
      firmware.onFinish = { _ in loader.powerOn() }
      firmware.powerOn()
      site.lan.run(for: .seconds(600)) { loader.outcome != nil }
      #expect(type.isRight(firmware), "\(conditions): \(String(describing: firmware.outcome))")
      #expect(ClientType.iPXE.isRight(loader), "\(conditions): \(String(describing: loader.outcome))")
    }
  }

  @Test("shim's optional files are refused at once, then it loads GRUB from us", arguments: NetworkConditions.all)
  func shim(conditions: NetworkConditions) throws {
    let loader = try LoaderName("shimx64.efi")
    for seed in Self.seeds {
      let site = Site(conditions, seed: seed, policy: Site.policy(uefi: loader))
      site.appliance.register(Site.mac())
      let firmware = EDK2Client(site.lan, Site.mac())
      firmware.attemptLimit = 4
      let shim = ShimClient(after: firmware)
      firmware.onFinish = { _ in shim.powerOn() }
      firmware.powerOn()
      site.lan.run(for: .seconds(300)) { shim.outcome != nil }
      #expect(shim.outcome == .loaded("grubx64.efi", from: Appliance.address), "seed \(seed)")
      #expect(shim.content == Loaders.all["grubx64.efi"])
      guard conditions.loss == 0 else { continue }
      #expect(shim.refusals.count == 3)
      #expect(shim.refusals.allSatisfy { $0 <= (conditions.latency + conditions.delay + conditions.hold) * 2 })
    }
  }
}
