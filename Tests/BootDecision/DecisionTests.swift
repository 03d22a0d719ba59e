import BootDecision
import DHCP
import NetworkAddress
import Testing

@Suite("The boot decision")
struct DecisionTests {
  static let intents: [BootIntent] = [
    .install, .localDisk, .hold(reason: "two boots without a report"), .rescue, .inventory,
  ]
  static let script = "http://192.168.1.10:8080/boot.ipxe?mac=52-54-00-12-34-56"

  struct Client: CustomTestStringConvertible {
    let kind: ClientKind
    let architecture: ClientArchitecture
    let bootFile: String
    let style: OfferStyle?

    var testDescription: String { "\(kind.rawValue), \(architecture)" }
  }

  static let clients = [
    Client(kind: .pxe, architecture: .x86BIOS, bootFile: "undionly.kpxe", style: .direct),
    Client(kind: .pxe, architecture: .x64UEFI, bootFile: "snponly.efi", style: .binl),
    Client(kind: .pxe, architecture: .ebcUEFI, bootFile: "snponly.efi", style: .binl),
    Client(kind: .pxe, architecture: .arm64UEFI, bootFile: "ipxe-arm64.efi", style: .binl),
    Client(
      kind: .httpClient, architecture: .x64HTTP, bootFile: "http://192.168.1.10:8080/boot/loader/snponly.efi",
      style: nil),
    Client(
      kind: .httpClient, architecture: .arm64HTTP, bootFile: "http://192.168.1.10:8080/boot/loader/ipxe-arm64.efi",
      style: nil),
    Client(kind: .iPXE, architecture: .x86BIOS, bootFile: script, style: .direct),
    Client(kind: .iPXE, architecture: .x64UEFI, bootFile: script, style: .direct),
    Client(kind: .iPXE, architecture: .arm64UEFI, bootFile: script, style: .direct),
  ]

  @Test("each client gets what it can start, whatever the machine shall do", arguments: clients, intents)
  func offers(client: Client, intent: BootIntent) {
    let decision = BootDecision.decide(
      Facts.client(client.kind, client.architecture), machine: Facts.machine(intent), policy: Facts.policy())
    #expect(decision.verdict == .offer)
    #expect(decision.bootFile == client.bootFile)
    #expect(decision.style == client.style)
    #expect(decision.serverAddress == Facts.appliance)
    #expect(decision.machine == "node1")
    #expect(decision.intent == intent)
    #expect(decision.reasons.first == .machineKnown)
  }

  @Test("a blocked machine gets silence, whatever it is", arguments: clients)
  func blocked(client: Client) {
    let decision = BootDecision.decide(
      Facts.client(client.kind, client.architecture), machine: Facts.machine(.blocked), policy: Facts.policy(.automatic)
    )
    #expect(decision.verdict == .silent)
    #expect(decision.reasons.last == .machineBlocked)
  }

  @Test("an unknown machine gets silence while enrolment is closed", arguments: clients)
  func unknownClosed(client: Client) {
    let facts = Facts.client(client.kind, client.architecture)
    let decision = BootDecision.decide(facts, machine: nil, policy: Facts.policy(.closed))
    #expect(decision == BootDecision(verdict: .silent, reasons: [.machineUnknown, .enrolmentClosed]))
  }

  @Test(
    "an unknown machine gets an inventory boot where enrolment is open", arguments: clients,
    [Enrolment.inventory, .automatic])
  func unknownOpen(client: Client, enrolment: Enrolment) {
    let facts = Facts.client(client.kind, client.architecture)
    let decision = BootDecision.decide(facts, machine: nil, policy: Facts.policy(enrolment))
    #expect(decision.verdict == .offer)
    #expect(decision.intent == .inventory)
    #expect(decision.machine == nil)
    #expect(decision.bootFile == client.bootFile)
  }

  @Test("at port 4011 every architecture is answered, with the file and without a style", arguments: clients)
  func bootServer(client: Client) {
    var facts = Facts.client(client.kind, client.architecture)
    facts.port = .bootServer
    facts.messageType = .request
    let decision = BootDecision.decide(facts, machine: Facts.machine(), policy: Facts.policy())
    #expect(decision.verdict == .acknowledge)
    #expect(decision.bootFile == client.bootFile)
    #expect(decision.style == nil)
  }

  @Test(
    "an architecture without a loader gets silence", arguments: [ClientArchitecture.ia32UEFI, .arm32UEFI, .raspberryPi])
  func noLoader(architecture: ClientArchitecture) {
    let decision = BootDecision.decide(
      Facts.client(.pxe, architecture), machine: Facts.machine(), policy: Facts.policy())
    #expect(decision.verdict == .silent)
    #expect(decision.reasons.last == .noLoaderForArchitecture)
  }

  @Test("BIOS over HTTP gets silence: our BIOS loader needs the PXE ROM beneath it")
  func httpBIOS() {
    let facts = Facts.client(.httpClient, ClientArchitecture(rawValue: 0x14))
    #expect(BootDecision.decide(facts, machine: Facts.machine(), policy: Facts.policy()).verdict == .silent)
  }

  @Test("of several architectures the first that has a loader counts")
  func severalArchitectures() {
    var facts = Facts.client(.pxe, .ia32UEFI)
    facts.architectures = [.ia32UEFI, .x64UEFI, .arm64UEFI]
    #expect(BootDecision.decide(facts, machine: Facts.machine(), policy: Facts.policy()).bootFile == "snponly.efi")
  }

  @Test("the script's URL carries the UUID, and always fits into the header's field")
  func scriptURL() throws {
    var facts = Facts.client(.iPXE, .x64UEFI)
    facts.uuid = try SystemUUID("44454c4c-5100-3510-8052-b4c04f4e4e32")
    let policy = BootPolicy(addresses: ["lan": IPv4Address(192, 168, 255, 255)], httpPort: 65_535)
    let bootFile = try #require(BootDecision.decide(facts, machine: Facts.machine(), policy: policy).bootFile)
    #expect(
      bootFile
        == "http://192.168.255.255:65535/boot.ipxe?mac=52-54-00-12-34-56&uuid=44454c4c-5100-3510-8052-b4c04f4e4e32")
    #expect(bootFile.utf8.count <= 127)
  }

  @Test("the machine's own loader goes before the policy's, also in the URI")
  func ownLoader() throws {
    let machine = Facts.machine(.install, MachineQuirks(loader: try LoaderName("ipxe.efi")))
    let pxe = BootDecision.decide(Facts.client(.pxe, .x64UEFI), machine: machine, policy: Facts.policy())
    #expect(pxe.bootFile == "ipxe.efi")
    #expect(pxe.reasons.contains(.loaderSetForMachine))
    let http = BootDecision.decide(Facts.client(.httpClient, .x64HTTP), machine: machine, policy: Facts.policy())
    #expect(http.bootFile == "http://192.168.1.10:8080/boot/loader/ipxe.efi")
  }

  @Test("a style that was set for the machine is used, whatever was ignored before", arguments: OfferStyle.allCases)
  func ownStyle(style: OfferStyle) {
    let decision = BootDecision.decide(
      Facts.client(.pxe, .x64UEFI), machine: Facts.machine(.install, MachineQuirks(offerStyle: style)),
      policy: Facts.policy(), history: ClientHistory(ignoredOffers: 1))
    #expect(decision.style == style)
    #expect(decision.reasons.contains(.styleSetForMachine))
    // A menu offer names no file: the client has to ask at port 4011.
    #expect((decision.bootFile == nil) == (style == .menu))
  }

  @Test(
    "ignored offers turn the style, beginning with the one that worked before",
    arguments: [
      (ClientArchitecture.x64UEFI, nil, [.binl, .direct, .menu, .binl]),
      (.x64UEFI, .direct, [.direct, .menu, .binl, .direct]),
      (.x86BIOS, nil, [.direct, .menu, .binl, .direct]),
      (.x86BIOS, .binl, [.binl, .direct, .menu, .binl]),
    ] as [(ClientArchitecture, OfferStyle?, [OfferStyle])])
  func rotation(architecture: ClientArchitecture, working: OfferStyle?, expected: [OfferStyle]) {
    let styles = (0..<4).map { ignored in
      BootDecision.decide(
        Facts.client(.pxe, architecture), machine: Facts.machine(), policy: Facts.policy(),
        history: ClientHistory(ignoredOffers: ignored, workingStyle: working)
      ).style
    }
    #expect(styles == expected)
  }

  @Test("a delay that was set is passed on, between nothing and two seconds")
  func delay() {
    let machine = Facts.machine(.install, MachineQuirks(replyDelay: 1500))
    let decision = BootDecision.decide(Facts.client(.pxe, .x86BIOS), machine: machine, policy: Facts.policy())
    #expect(decision.replyDelay == 1500)
    #expect(decision.reasons.contains(.replyDelayed))
    #expect(MachineQuirks(replyDelay: -5).replyDelay == 0)
    #expect(MachineQuirks(replyDelay: 60_000).replyDelay == 2000)
  }

  @Test("every reason has a text of its own")
  func reasonTexts() {
    #expect(Set(BootReason.allCases.map(\.text)).count == BootReason.allCases.count)
  }
}
