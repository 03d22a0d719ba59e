import BootDecision
import DHCP
import NetworkAddress
import ProxyDHCP
import Testing

@Suite("Changes while a machine asks")
struct ChangeTests {
  @Test("a machine that is registered while it asks boots in the same round", arguments: [1, 6, 20])
  func registered(seconds: Int) {
    let site = Site()
    let client = EDK2Client(site.lan, Site.mac())
    site.lan.after(.seconds(seconds)) { site.appliance.register(Site.mac()) }
    site.boot(client)
    #expect(ClientType.edk2.isRight(client), "\(String(describing: client.outcome))")
    #expect(client.attempts == 1)
  }

  @Test("enrolment that is opened while a machine asks counts from its next request on")
  func opened() {
    let site = Site(policy: Site.policy(.closed))
    let client = BootAgentClient(site.lan, Site.mac())
    site.lan.after(.seconds(6)) { [unowned site] in
      site.appliance.update(Site.policy(.inventory))
    }
    site.boot(client)
    #expect(ClientType.bootAgent.isRight(client), "\(String(describing: client.outcome))")
  }

  @Test("a machine that is blocked between the offer and port 4011 gets nothing any more")
  func blocked() {
    let site = Site()
    site.appliance.register(Site.mac())
    let client = EDK2Client(site.lan, Site.mac())
    site.lan.after(.seconds(2)) { site.appliance.register(Site.mac(), .blocked) }
    #expect(site.boot(client) == .gaveUp(.noOffer))
    #expect(site.appliance.responder.counters.offers == 1)
    #expect(site.appliance.loaded.isEmpty)
  }

  @Test(
    "a switch port that blocks after link-up costs a round, not the boot",
    arguments: [ClientType.edk2, .edk2HTTP, .bootAgent, .iPXE, .uBoot], [10, 25, 50])
  func blockedPort(type: ClientType, seconds: Int) {
    let site = Site()
    site.appliance.register(Site.mac())
    site.lan.conditions.loss = 1
    site.lan.after(.seconds(seconds)) { site.lan.conditions.loss = 0 }
    let client = type.make(site.lan, Site.mac())
    client.attemptLimit = 6
    site.boot(client)
    #expect(type.isRight(client), "\(String(describing: client.outcome)) after \(client.attempts) attempts")
  }

  @Test("an appliance that was away answers as before when it is back: it keeps nothing that a boot needs")
  func restart() {
    let site = Site()
    site.appliance.register(Site.mac())
    let client = EDK2Client(site.lan, Site.mac())
    // Between the offer and the request at port 4011.
    site.lan.after(.seconds(2)) { [unowned site] in site.appliance.restart(Site.policy()) }
    site.boot(client)
    #expect(ClientType.edk2.isRight(client), "\(String(describing: client.outcome))")
  }
}
