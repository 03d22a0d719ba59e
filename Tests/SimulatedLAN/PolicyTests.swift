import BootDecision
import DHCP
import NetworkAddress
import ProxyDHCP
import Testing

@Suite("What the appliance lets a machine have")
struct PolicyTests {
  /// What a client of each type does with silence, and how long it takes.
  private static let fallingThrough: [(ClientType, ClientOutcome.Failure, Duration)] = [
    (.edk2, .noOffer, .seconds(60)), (.edk2HTTP, .noOffer, .seconds(60)), (.bootAgent, .noOffer, .seconds(60)),
    (.iPXE, .nothingToBoot, .seconds(4)), (.strippedIPXE, .nothingToBoot, .seconds(4)),
    (.uBoot, .serverAddressNotSet, .seconds(1)),
  ]

  @Test("an unknown machine gets nothing while enrolment is closed, and goes on to its disk", arguments: fallingThrough)
  func closed(type: ClientType, failure: ClientOutcome.Failure, limit: Duration) throws {
    let site = Site(policy: Site.policy(.closed))
    let start = site.lan.now
    let client = type.make(site.lan, Site.mac())
    #expect(site.boot(client) == .gaveUp(failure))
    #expect(try #require(client.finishedAt) - start <= limit)
    #expect(site.appliance.responder.counters.offers == 0)
    #expect(site.appliance.responder.counters.silent > 0)
    #expect(site.appliance.loaded.isEmpty)
  }

  @Test("a blocked machine gets nothing, even while enrolment is open", arguments: fallingThrough)
  func blocked(type: ClientType, failure: ClientOutcome.Failure, limit: Duration) {
    let site = Site(policy: Site.policy(.automatic))
    site.appliance.register(Site.mac(), .blocked)
    #expect(site.boot(type.make(site.lan, Site.mac())) == .gaveUp(failure))
    #expect(site.appliance.responder.counters.offers == 0)
    #expect(site.appliance.loaded.isEmpty)
  }

  @Test("an unknown machine boots to its script while enrolment is open", arguments: [Enrolment.inventory, .automatic])
  func open(enrolment: Enrolment) {
    let site = Site(policy: Site.policy(enrolment))
    let client = EDK2Client(site.lan, Site.mac())
    site.boot(client)
    #expect(ClientType.edk2.isRight(client))
    let loader = IPXEClient(site.lan, Site.mac())
    loader.build = .chained(architecture: 7)
    site.boot(loader)
    #expect(ClientType.iPXE.isRight(loader))
  }

  @Test(
    "a machine that boots from its own disk, waits or is rescued gets its script as one that installs does",
    arguments: [BootIntent.localDisk, .hold(reason: "waits for approval"), .rescue, .inventory, .install])
  func intents(intent: BootIntent) {
    let site = Site()
    site.appliance.register(Site.mac(), intent)
    let client = IPXEClient(site.lan, Site.mac())
    site.boot(client)
    #expect(ClientType.iPXE.isRight(client))
    #expect(site.appliance.fetched.count == 1)
  }

  @Test("an iPXE that loads itself again and again is given the script, and stops")
  func loop() {
    let site = Site()
    site.appliance.register(Site.mac())
    // What it loads is again an iPXE that says it has no HTTP; it restarts without end.
    var outcomes: [ClientOutcome] = []
    func next() {
      let client = IPXEClient(site.lan, Site.mac())
      client.build = .stripped
      client.onFinish = { outcome in
        outcomes.append(outcome)
        if case .loaded = outcome, outcomes.count < 20 { next() }
      }
      client.powerOn()
    }
    next()
    site.lan.run(for: .seconds(30)) { outcomes.last == .gaveUp(.unsupportedProtocol) }
    let loaded = ClientOutcome.loaded("undionly.kpxe", from: Appliance.address)
    #expect(outcomes == [loaded, loaded, .gaveUp(.unsupportedProtocol)])
    #expect(site.appliance.loaded.count == 2)
    // A minute later it may try once more: somebody may have repaired the loader.
    site.lan.run(for: .seconds(90))
    let later = IPXEClient(site.lan, Site.mac())
    later.build = .stripped
    #expect(site.boot(later) == loaded)
  }

  @Test(
    "firmware that takes offers of one style only boots after some tries, and at once the next time",
    arguments: OfferStyle.allCases, [true, false])
  func rotation(style: OfferStyle, isUEFI: Bool) {
    func firmware(_ site: Site) -> SimulatedClient {
      if isUEFI {
        let client = EDK2Client(site.lan, Site.mac())
        client.styles = [style]
        return client
      }
      let client = BootAgentClient(site.lan, Site.mac())
      client.styles = [style]
      return client
    }
    // A BIOS ROM without option 43 does not boot at all.
    guard isUEFI || style != .binl else { return }
    for conditions in [NetworkConditions.clean, .duplicating, .delaying, .lossy] {
      let site = Site(conditions, seed: 5)
      site.appliance.register(Site.mac())
      let first = firmware(site)
      first.attemptLimit = 12
      site.boot(first, within: .seconds(900))
      let type = isUEFI ? ClientType.edk2 : .bootAgent
      #expect(type.isRight(first), "\(conditions): \(String(describing: first.outcome))")
      #expect(first.attempts <= (conditions.loss > 0 ? 8 : 3), "\(conditions)")
      site.lan.run(for: .seconds(600))
      let second = firmware(site)
      second.attemptLimit = conditions.loss > 0 ? 4 : 1
      site.boot(second)
      #expect(type.isRight(second), "\(conditions), second boot: \(String(describing: second.outcome))")
    }
  }

  @Test("the search for a style goes on where the machine takes minutes from one try to the next")
  func rotationWithPauses() {
    for style in OfferStyle.allCases {
      let site = Site()
      site.appliance.register(Site.mac())
      let client = EDK2Client(site.lan, Site.mac())
      client.styles = [style]
      client.pause = .seconds(420)
      client.attemptLimit = 4
      site.boot(client, within: .seconds(3600))
      #expect(ClientType.edk2.isRight(client), "\(style): \(String(describing: client.outcome))")
    }
  }

  @Test("HTTP boot tries in between do not disturb the search for a style")
  func rotationWithHTTP() {
    for style in OfferStyle.allCases {
      let site = Site()
      site.appliance.register(Site.mac())
      var tries = 0
      var last: SimulatedClient?
      repeat {
        tries += 1
        let client = EDK2Client(site.lan, Site.mac())
        client.styles = [style]
        site.boot(client)
        last = client
        guard client.outcome == .gaveUp(.noOffer) else { break }
        let http = EDK2HTTPClient(site.lan, Site.mac())
        http.allowsPlainHTTP = false
        site.boot(http)
      } while tries < 6
      #expect(last.map { ClientType.edk2.isRight($0) } ?? false, "\(style) after \(tries) tries")
      #expect(tries <= 3, "\(style)")
    }
  }

  @Test("firmware that asks at port 4011 and makes nothing of the answer is offered another style")
  func rotationWithDeafBootServer() {
    let site = Site()
    site.appliance.register(Site.mac())
    let client = EDK2Client(site.lan, Site.mac())
    client.ignoresBootServer = true
    client.attemptLimit = 6
    site.boot(client)
    #expect(ClientType.edk2.isRight(client), "\(String(describing: client.outcome))")
    #expect(client.attempts <= 2)
  }

  @Test("the style and the delay that are set for a machine hold", arguments: OfferStyle.allCases)
  func quirks(style: OfferStyle) {
    let site = Site()
    site.appliance.register(Site.mac(), quirks: MachineQuirks(offerStyle: style, replyDelay: 1500))
    let client = EDK2Client(site.lan, Site.mac())
    client.styles = [style]
    site.boot(client)
    #expect(ClientType.edk2.isRight(client))
    #expect(client.attempts == 1)
  }

  @Test("a ROM never gets an acknowledgement of ours for its DHCP request, which would hang it")
  func noAcknowledgement() {
    // Duplicated and delayed, so that a late answer could come at any moment.
    var conditions = NetworkConditions.duplicating
    conditions.delay = .milliseconds(900)
    for seed in UInt64(1)...20 {
      let site = Site(conditions, seed: seed)
      site.appliance.register(Site.mac())
      let client = BootAgentClient(site.lan, Site.mac())
      site.boot(client)
      #expect(ClientType.bootAgent.isRight(client), "\(String(describing: client.outcome))")
      #expect(site.appliance.responder.counters.acknowledgements == 0)
    }
  }
}
