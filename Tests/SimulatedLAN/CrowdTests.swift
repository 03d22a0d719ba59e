import BootDecision
import DHCP
import NetworkAddress
import ProxyDHCP
import SeededNumbers
import TFTP
import Testing

@Suite("Many at once, and hostile ones")
struct CrowdTests {
  private static let kinds: [ClientType] = [.edk2, .bootAgent, .edk2HTTP, .iPXE, .uBoot]

  @Test("500 machines powered on together all boot", arguments: [NetworkConditions.clean, .rough])
  func crowd(conditions: NetworkConditions) {
    let site = Site(conditions, seed: 11)
    var clients: [(type: ClientType, client: SimulatedClient)] = []
    var running = 500
    for number in 1...500 {
      let type = Self.kinds[number % Self.kinds.count]
      site.appliance.register(Site.mac(number))
      let client = type.make(site.lan, Site.mac(number))
      client.attemptLimit = conditions.loss > 0 ? 5 : 1
      client.onFinish = { _ in running -= 1 }
      clients.append((type, client))
      client.powerOn()
    }
    let start = site.lan.now
    #expect(site.lan.run(for: .seconds(600)) { running == 0 })
    let failed = clients.filter { !$0.type.isRight($0.client) }.map {
      "\($0.type): \(String(describing: $0.client.outcome))"
    }
    #expect(failed.isEmpty, "\(failed.prefix(5))")
    if conditions.loss == 0 { #expect(site.lan.now - start < .seconds(6)) }
    let counters = site.appliance.responder.counters
    #expect(counters.rateLimited == 0)
    #expect(counters.malformed == 0)
    #expect(counters.unbuildable == 0)
    #expect(counters.unanswerable == 0)
    site.lan.run(for: .seconds(60))
    #expect(site.appliance.tftp.running == 0)
  }

  @Test("a flood of forged DISCOVERs does not keep a machine from booting", arguments: [Enrolment.closed, .automatic])
  func discoverFlood(enrolment: Enrolment) {
    let site = Site(policy: Site.policy(enrolment))
    site.appliance.register(Site.mac())
    let attacker = EDK2Client(site.lan, Site.mac(99_999))
    // 2,000 in 5 s, from 2,000 addresses.
    for number in 0..<2000 {
      site.lan.after(.microseconds(number * 2500)) {
        var message = attacker.requestTemplate()
        message.setHardwareAddress(Site.mac(100_000 + number))
        message.messageType = .discover
        attacker.send(message)
      }
    }
    let client = EDK2Client(site.lan, Site.mac())
    site.boot(client, within: .seconds(10))
    #expect(ClientType.edk2.isRight(client))
  }

  @Test("garbage at all ports hurts nobody")
  func garbage() {
    let site = Site(seed: 21)
    site.appliance.register(Site.mac())
    let attacker = EDK2Client(site.lan, Site.mac(99_999))
    var generator = SeededGenerator(seed: 4)
    var template = attacker.requestTemplate()
    template.messageType = .discover
    let valid = (try? template.serialised()) ?? []
    for number in 0..<3000 {
      var bytes = number % 2 == 0 ? valid : Array(valid.prefix(Int(generator.next() % 400)))
      for _ in 0..<8 where !bytes.isEmpty {
        bytes[Int(generator.next() % UInt64(bytes.count))] = UInt8(truncatingIfNeeded: generator.next())
      }
      let port = [UInt16(67), 4011, 69, 68, 32_769][number % 5]
      let destination = port == 67 || port == 68 ? Endpoint(.broadcast, port) : Endpoint(Appliance.address, port)
      site.lan.after(.milliseconds(number * 2)) { attacker.send(bytes, from: 4000, to: destination) }
    }
    let client = EDK2Client(site.lan, Site.mac())
    site.boot(client, within: .seconds(20))
    #expect(ClientType.edk2.isRight(client))
  }

  @Test("10,000 forged read requests do not hurt a running transfer, and send little to the victims")
  func forgedRequests() {
    let site = Site()
    site.appliance.register(Site.mac())
    let client = BootAgentClient(site.lan, Site.mac())
    let attacker = EDK2Client(site.lan, Site.mac(99_999))
    let request = TFTPPacket.readRequest(
      TFTPRequest(
        name: Array("snponly.efi".utf8), options: [TFTPOption("blksize", "1468"), TFTPOption("windowsize", "16")]))
    let victims = 100
    for number in 0..<10_000 {
      // They start with the transfer of the machine, 4 s after it was powered on.
      site.lan.after(.seconds(4) + .microseconds(number * 10)) {
        site.lan.send(
          Datagram(
            source: Endpoint(IPv4Address(192, 168, 200, UInt8(number % victims)), UInt16(1024 + number / victims)),
            destination: Endpoint(Appliance.address, 69), payload: request.bytes), from: attacker, on: .lan)
      }
    }
    site.boot(client)
    #expect(ClientType.bootAgent.isRight(client))
    site.lan.run(for: .seconds(30))
    #expect(site.appliance.tftp.running == 0)
    let outcomes = site.appliance.tftp.outcomes
    #expect(outcomes.count { $0 == .neverHeard } == 10_000)
    // At most three small packets for each request: option acknowledgements, never a block.
    for number in 0..<victims {
      let sent = site.appliance.tftp.sent[IPv4Address(192, 168, 200, UInt8(number)), default: 0]
      #expect(sent <= 300)
    }
    #expect(site.appliance.tftp.counts.filter { $0.firstPackets == 3 }.allSatisfy { $0.blocks == 0 })
  }
}
