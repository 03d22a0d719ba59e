import BootDecision
import DHCP
import NetworkAddress
import ProxyDHCP
import Testing

@Suite("Other servers on the network")
struct OtherServerTests {
  private static let ours = ClientOutcome.loaded("snponly.efi", from: Appliance.address)
  private static let theirs = ClientOutcome.loaded(OtherBootServer.file, from: OtherBootServer.address)

  private func findings(_ site: Site, _ address: IPv4Address) -> [ForeignServer.Finding] {
    site.appliance.responder.foreignServers.first { $0.address == address }?.findings ?? []
  }

  private func site(_ dhcp: ForeignDHCPServer.Settings = .init()) -> Site {
    let site = Site(dhcp: dhcp)
    site.appliance.register(Site.mac())
    return site
  }

  @Test(
    "a DHCP server with option 60 and no 43 makes every style fail with PXE-E16; we find it",
    arguments: OfferStyle.allCases)
  func option60(style: OfferStyle) {
    let site = Site(dhcp: .init(vendorClass: .pxeClient))
    site.appliance.register(Site.mac(), quirks: MachineQuirks(offerStyle: style))
    let client = EDK2Client(site.lan, Site.mac())
    client.attemptLimit = 3
    #expect(site.boot(client) == .gaveUp(.noOffer))
    #expect(site.appliance.loaded.isEmpty)
    #expect(findings(site, ForeignDHCPServer.address) == [.claimsPXEWithoutVendorOptions])
  }

  @Test(
    "iPXE, HTTP boot and BIOS machines boot beside a DHCP server with option 60",
    arguments: [ClientType.iPXE, .edk2HTTP, .bootAgent])
  func option60Others(type: ClientType) {
    let site = site(.init(vendorClass: .pxeClient))
    let client = type.make(site.lan, Site.mac())
    site.boot(client)
    #expect(type.isRight(client), "\(String(describing: client.outcome))")
    #expect(findings(site, ForeignDHCPServer.address) == [.claimsPXEWithoutVendorOptions])
  }

  @Test("where the DHCP server names a file, EDK2 takes ours and iPXE the DHCP server's; we find it")
  func bootFile() {
    let settings = ForeignDHCPServer.Settings(bootFile: "pxelinux.0", nextServer: OtherBootServer.address)
    let first = site(settings)
    #expect(first.boot(EDK2Client(first.lan, Site.mac())) == Self.ours)
    #expect(findings(first, ForeignDHCPServer.address) == [.namesBootFile])
    let second = site(settings)
    let other = OtherBootServer(second.lan, .binl(answers: false))
    withExtendedLifetime(other) {
      // It asks their TFTP server, which does not have the file.
      #expect(second.boot(IPXEClient(second.lan, Site.mac())) == .gaveUp(.nothingToBoot))
    }
    #expect(second.appliance.fetched.isEmpty)
    let seen = second.appliance.responder.foreignServers.first { $0.address == ForeignDHCPServer.address }
    #expect(seen?.bootFile == "pxelinux.0")
    #expect(seen?.nextServer == OtherBootServer.address)
    let third = site(settings)
    #expect(third.boot(EDK2HTTPClient(third.lan, Site.mac())) == Self.ours)
  }

  @Test("shim follows the DHCP server's file to its death; we find it")
  func shimAndBootFile() throws {
    let loader = try LoaderName("shimx64.efi")
    let site = Site(
      dhcp: .init(bootFile: "boot/old.efi", nextServer: Appliance.address), policy: Site.policy(uefi: loader))
    site.appliance.register(Site.mac())
    let firmware = EDK2Client(site.lan, Site.mac())
    #expect(site.boot(firmware) == .loaded("shimx64.efi", from: Appliance.address))
    #expect(site.boot(ShimClient(after: firmware)) == .gaveUp(.tftpError))
    #expect(site.appliance.tftp.refused.last == "boot/grubx64.efi")
    #expect(findings(site, ForeignDHCPServer.address) == [.namesBootFile])
  }

  @Test("EDK2 prefers a second boot server's offer with option 43 to ours without; we find it")
  func directRival() {
    let site = site()
    let other = OtherBootServer(site.lan, .direct)
    withExtendedLifetime(other) { #expect(site.boot(EDK2Client(site.lan, Site.mac())) == Self.theirs) }
    #expect(findings(site, OtherBootServer.address) == [.offersBoot])
    #expect(findings(site, ForeignDHCPServer.address).isEmpty)
  }

  @Test(
    "of two offers without option 43 the first wins, and where it is dead the other one boots",
    arguments: [true, false])
  func rivalWithoutOption43(answers: Bool) {
    let first = site()
    let quick = OtherBootServer(first.lan, .binl(answers: answers))
    first.lan.conditions.latency = .microseconds(100)
    let late = site()
    let slow = OtherBootServer(late.lan, .binl(answers: answers), delay: .milliseconds(100))
    withExtendedLifetime((quick, slow)) {
      #expect(late.boot(EDK2Client(late.lan, Site.mac())) == Self.ours)
      // Theirs comes first where we are told to wait.
      first.appliance.register(Site.mac(), quirks: MachineQuirks(replyDelay: 500))
      #expect(first.boot(EDK2Client(first.lan, Site.mac())) == (answers ? Self.theirs : Self.ours))
    }
    #expect(findings(first, OtherBootServer.address) == [.offersBoot])
    #expect(findings(late, OtherBootServer.address) == [.offersBoot])
  }

  @Test("a second server's faulty option 43 ends the boot with PXE-E21; we find it")
  func faultyRival() {
    let site = site()
    let other = OtherBootServer(site.lan, .controlOnly)
    withExtendedLifetime(other) { #expect(site.boot(EDK2Client(site.lan, Site.mac())) == .gaveUp(.cancelled)) }
    #expect(findings(site, OtherBootServer.address) == [.offersBoot])
  }

  @Test("a second server without option 54 is dropped by EDK2, which boots from us")
  func rivalWithoutIdentifier() {
    let site = site()
    let other = OtherBootServer(site.lan, .withoutServerIdentifier)
    withExtendedLifetime(other) { #expect(site.boot(EDK2Client(site.lan, Site.mac())) == Self.ours) }
  }

  @Test("iPXE at a boot server that names its file at port 4011 only", arguments: [UInt16(4011), 67])
  func fileAtBootServer(port: UInt16) {
    let site = Site()
    let other = OtherBootServer(site.lan, .fileAtBootServer(replyPort: port))
    withExtendedLifetime(other) {
      let expected = port == 4011 ? Self.theirs : .gaveUp(.nothingToBoot)
      #expect(site.boot(IPXEClient(site.lan, Site.mac())) == expected)
    }
    #expect(findings(site, OtherBootServer.address) == [.offersBoot])
  }

  @Test("two appliances: each machine boots from one of them, and each finds the other")
  func twoAppliances() {
    let address = IPv4Address(192, 168, 1, 30)
    for type in [ClientType.edk2, .iPXE, .bootAgent, .edk2HTTP, .uBoot] {
      let site = site()
      let second = Appliance(site.lan, policy: Site.policy(), address: address)
      second.register(Site.mac())
      let client = type.make(site.lan, Site.mac())
      site.boot(client)
      switch client.outcome {
      case .loaded(_, let server): #expect([address, Appliance.address].contains(server))
      case .script(let uri): #expect(uri.contains("\(address)") || uri.contains("\(Appliance.address)"))
      default: Issue.record("\(type): \(String(describing: client.outcome))")
      }
      #expect(findings(site, address) == [.offersBoot])
      #expect(second.responder.foreignServers.contains { $0.address == Appliance.address })
      #expect(!second.responder.foreignServers.contains { $0.address == address })
    }
  }

  @Test("iPXE that is told not to wait for a proxy boots from the DHCP server alone, or not at all")
  func notWaiting() {
    let site = site(.init(tellsIPXENotToWait: true))
    site.appliance.register(Site.mac(), quirks: MachineQuirks(replyDelay: 500))
    #expect(site.boot(IPXEClient(site.lan, Site.mac())) == .gaveUp(.nothingToBoot))
  }

  @Test(
    "a DHCP server that is slow, or silent at first",
    arguments: [Duration.milliseconds(500), .seconds(3), .seconds(10)])
  func slowDHCP(delay: Duration) {
    let site = site(.init(replyDelay: delay))
    let client = EDK2Client(site.lan, Site.mac())
    #expect(site.boot(client) == Self.ours)
    #expect(client.attempts == 1)
  }
}
