import AgentProtocol
import BootDecision
import DiskLayout
import Fleet
import Foundation
import Images
import NetworkAddress
import Testing

@Suite("The operator's verbs")
struct OperatorTests {
  @Test("an added machine is armed, and found by its name and by any address in any spelling")
  func add() async throws {
    let registry = try Registry()
    try await registry.add(macs: ["52-54-00-AB-CD-01", "5254.00ab.cd02", "525400abcd03"])
    for name in ["node1", "52:54:00:ab:cd:01", "52-54-00-AB-CD-02", "525400ABCD03"] {
      let detail = try await registry.fleet.machine(name)
      #expect(detail.machine.state == .armed)
      #expect(detail.addresses.map(\.description) == ["52:54:00:ab:cd:01", "52:54:00:ab:cd:02", "52:54:00:ab:cd:03"])
    }
    #expect(registry.fleet.directory.view(of: try MACAddress("525400abcd02"))?.intent == .install)
  }

  @Test("what can not be a machine is refused, and leaves nothing behind")
  func refusedAdds() async throws {
    let registry = try Registry()
    try await registry.add()
    let taken = await refusal { try await registry.add("node2") }
    #expect(taken as? FleetError == .addressTaken("52:54:00:00:00:01", owner: "node1"))
    let name = await refusal { try await registry.add(macs: ["52:54:00:00:00:02"]) }
    #expect(name as? FleetError == .nameTaken("node1"))
    let none = await refusal { try await registry.add("node2", macs: []) }
    #expect(none as? FleetError == .noAddress("node2"))
    for mac in ["00:00:00:00:00:00", "01:00:5e:00:00:01", "ff:ff:ff:ff:ff:ff"] {
      #expect(await refusal { try await registry.add("node2", macs: [mac]) } is FleetError)
    }
    for window in [0, 59, -1, 1e300, .infinity, .nan, 2_592_001] as [TimeInterval] {
      #expect(
        await refusal { try await registry.add("node2", macs: ["52:54:00:00:00:02"], window: window) } is FleetError)
    }
    for closure in [
      "", "nixos", "/nix/store/short-name", "/etc/passwd", Registry.closure + "\n", Registry.closure + "/x",
    ] {
      #expect(
        await refusal { try await registry.add("node2", macs: ["52:54:00:00:00:02"], closure: closure) } is FleetError)
    }
    #expect(try await registry.fleet.machines().count == 1)
    #expect(try registry.sql("SELECT count(*) FROM nic", as: Int.self) == [1])
  }

  @Test(
    "names that are no host name label are refused",
    arguments: ["", "Node", "-a", "a-", "a.b", "a_b", "ä", "a b", "a\n", "../a", String(repeating: "a", count: 64)])
  func names(text: String) {
    #expect(throws: FleetError.invalidName(text)) { try MachineName(text) }
  }

  @Test("an approval with the code that the machine shows is verified, one with another code is refused")
  func approve() async throws {
    let registry = try Registry()
    let mac = "52:54:00:00:00:07"
    let answer = try await registry.boot(mac, enrolment: .inventory)
    #expect(answer.intent == .inventory)
    var approval = ApproveMachine()
    approval.closure = Registry.closure
    approval.code = "AAA-AAA"
    let nobody = await refusal { _ = try await registry.fleet.approve(mac, approval) }
    #expect(nobody as? FleetError == .noClaim(machine: "m-525400000007"))
    var agent = try Agent()
    let code = try await agent.claim(registry, nonce: answer.nonce)
    for wrong in ["AAA-AAA", "", "bogus", "💥"] where wrong != code.description {
      approval.code = wrong
      let error = await refusal { _ = try await registry.fleet.approve(mac, approval) }
      #expect(error as? FleetError == .codeMismatch(machine: "m-525400000007"))
    }
    #expect(try await registry.state(mac) == .discovered)
    approval.code = code.description.lowercased()
    approval.rename = try MachineName("node7")
    let detail = try await registry.fleet.approve(mac, approval)
    #expect(detail.machine.state == .armed && detail.machine.trust == .verified)
    #expect(try await agent.task(registry).install?.consent.trust == .codeCompared)
    #expect(try await registry.state("node7") == .installing)
    let twice = await refusal { _ = try await registry.fleet.approve("node7", ApproveMachine()) }
    #expect(twice as? FleetError == .transition(machine: "node7", state: .installing, verb: .arm))
  }

  @Test("closed enrolment registers nobody; automatic enrolment arms on first use")
  func enrolment() async throws {
    let registry = try Registry()
    #expect(try await registry.boot("52:54:00:00:00:09", enrolment: .closed).intent == .blocked)
    #expect(try await registry.fleet.machines().isEmpty)
    #expect(try await registry.boot("52:54:00:00:00:09", enrolment: .automatic).intent == .install)
    #expect(try await registry.fleet.machine("52:54:00:00:00:09").machine.trust == .trustOnFirstUse)
    #expect(try await registry.boot("01:00:5e:00:00:09", enrolment: .automatic).intent == .blocked)
    #expect(try await registry.boot("00:00:00:00:00:00", enrolment: .inventory).intent == .blocked)
    #expect(try await registry.fleet.enrolment() == .closed)
    try await registry.fleet.setEnrolment(.automatic)
    #expect(try await registry.reopened().enrolment() == .automatic)
  }

  @Test("made-up addresses fill no more than their bound, and a real machine still gets in")
  func strangers() async throws {
    let registry = try Registry()
    for number in 0..<(Fleet.discoveredLimit + 40) {
      registry.pass(seconds: 1)
      _ = try await registry.boot(String(format: "02000000%04x", number), enrolment: .inventory)
    }
    #expect(try await registry.fleet.machines().count == Fleet.discoveredLimit)
    #expect(try await registry.boot("52:54:00:00:00:01", enrolment: .inventory).intent == .inventory)
    #expect(try await registry.fleet.machines().count == Fleet.discoveredLimit)
  }

  @Test("settings change one by one, an empty text clears, and refusals change nothing")
  func set() async throws {
    let registry = try Registry()
    try await registry.add()
    var change = SetMachine()
    change.addAddresses = [try MACAddress("52:54:00:00:00:02")]
    change.role = "docker-host"
    change.closure = ""
    var detail = try await registry.fleet.set("node1", change)
    #expect(detail.addresses.count == 2 && detail.machine.role == "docker-host" && detail.machine.closure == nil)
    change = SetMachine()
    change.role = ""
    change.removeAddresses = [try MACAddress("52:54:00:00:00:01")]
    detail = try await registry.fleet.set("node1", change)
    #expect(detail.addresses.map(\.description) == ["52:54:00:00:00:02"] && detail.machine.role == nil)
    #expect(registry.fleet.directory.view(of: try MACAddress("52:54:00:00:00:01")) == nil)
    var last = SetMachine()
    last.removeAddresses = [try MACAddress("52:54:00:00:00:02")]
    let nothing = await refusal { _ = try await registry.fleet.set("node1", last) }
    #expect(nothing as? FleetError == .noAddress("node1"))
    var foreign = SetMachine()
    foreign.removeAddresses = [try MACAddress("52:54:00:00:00:99")]
    #expect(await refusal { _ = try await registry.fleet.set("node1", foreign) } is FleetError)
    var odd = SetMachine()
    odd.role = "other"
    odd.nextBoot = "install"
    #expect(await refusal { _ = try await registry.fleet.set("node1", odd) } is FleetError)
    odd.nextBoot = nil
    odd.uuid = "no"
    #expect(await refusal { _ = try await registry.fleet.set("node1", odd) } is AddressError)
    odd.uuid = nil
    odd.image = "../x"
    #expect(await refusal { _ = try await registry.fleet.set("node1", odd) } is FleetError)
    #expect(try await registry.fleet.machine("node1").machine.role == nil)
  }

  @Test("a blocked machine is not answered until it is unblocked")
  func blocked() async throws {
    let registry = try Registry()
    try await registry.add()
    var change = SetMachine()
    change.blocked = true
    _ = try await registry.fleet.set("node1", change)
    #expect(try await registry.boot().intent == .blocked)
    #expect(registry.fleet.directory.view(of: try MACAddress("52:54:00:00:00:01"))?.intent == .blocked)
  }

  @Test("a removed machine is unknown, its secrets are gone, and an event tells of it")
  func remove() async throws {
    let registry = try Registry()
    try await registry.add()
    try await registry.fleet.setSecret(Data("hush".utf8), named: "token", of: "node1")
    try await registry.fleet.store([.init(at: Date(), mac: MACAddress("52:54:00:00:00:01"), decision: "{}")])
    try await registry.fleet.remove("node1")
    #expect(await refusal { _ = try await registry.fleet.machine("node1") } as? FleetError == .noSuchMachine("node1"))
    #expect(registry.fleet.directory.view(of: try MACAddress("52:54:00:00:00:01")) == nil)
    for table in ["nic", "secret", "consent", "claim", "boot", "decision"] {
      #expect(try registry.sql("SELECT count(*) FROM \(table)", as: Int.self) == [0], "\(table)")
    }
    #expect(try registry.sql("SELECT text FROM event", as: String.self) == ["machine node1 removed by the operator"])
    #expect(await refusal { try await registry.fleet.remove("node1") } is FleetError)
  }

  @Test("a name that is taken is refused, the machine's own is not")
  func rename() async throws {
    let registry = try Registry()
    try await registry.add()
    try await registry.add("node2", macs: ["52:54:00:00:00:02"])
    let error = await refusal { _ = try await registry.fleet.rename("node1", to: MachineName("node2")) }
    #expect(error as? FleetError == .nameTaken("node2"))
    _ = try await registry.fleet.rename("node1", to: MachineName("node1"))
    _ = try await registry.fleet.rename("node1", to: MachineName("node3"))
    #expect(registry.fleet.directory.view(of: try MACAddress("52:54:00:00:00:01"))?.name == "node3")
  }

  @Test("secrets open with the agent's identity alone, and are shown nowhere")
  func secrets() async throws {
    let registry = try Registry()
    try await registry.add()
    let secret = Data("correct horse battery staple".utf8)
    try await registry.fleet.setSecret(secret, named: "disk.key", of: "node1", firstUse: true)
    try await registry.fleet.setSecret(secret, named: "join.token", of: "node1")
    for name in ["", ".hidden", "../x", "A", "a\n", "a b", String(repeating: "a", count: 64)] {
      #expect(await refusal { try await registry.fleet.setSecret(secret, named: name, of: "node1") } is FleetError)
    }
    var agent = try Agent()
    _ = try await agent.claim(registry, nonce: try await registry.boot().nonce)
    let task = try #require(try await agent.task(registry).install)
    let sealed = try #require(task.sealedSecrets["disk.key"])
    #expect(try AgeFile.open(Array(sealed), with: agent.identity) == Array(secret))
    #expect(throws: AgeError.self) { try AgeFile.open(Array(sealed), with: AgeIdentity()) }
    // Nobody compared the code.
    #expect(task.sealedSecrets["join.token"] == nil)
    #expect(
      try await registry.fleet.events(of: "node1").contains { $0.kind == "alarm" && $0.text.contains("join.token") })
    let shown =
      try JSONEncoder().encode(try await registry.fleet.machine("node1"))
      + JSONEncoder().encode(try await registry.fleet.events(of: "node1"))
    #expect(!String(decoding: shown, as: UTF8.self).contains("horse"))
    #expect(!String(decoding: task.machineConfiguration, as: UTF8.self).contains("horse"))
  }

  @Test("with --compare-code no install begins before the code is compared, and then all secrets are delivered")
  func comparedCode() async throws {
    let registry = try Registry()
    try await registry.add(comparesCode: true)
    try await registry.fleet.setSecret(Data("token".utf8), named: "join.token", of: "node1")
    var agent = try Agent()
    _ = try await agent.claim(registry, nonce: try await registry.boot().nonce)
    #expect(try await agent.task(registry).reason?.contains("compare the code") == true)
    var approval = ApproveMachine()
    approval.code = try #require(try await registry.fleet.machine("node1").code).description
    _ = try await registry.fleet.approve("node1", approval)
    let task = try #require(try await agent.task(registry).install)
    #expect(task.sealedSecrets["join.token"] != nil)
    #expect(task.consent.trust == .codeCompared)
  }

  @Test("a disk with something on it is erased only after consent, which one install uses up")
  func consent() async throws {
    let registry = try Registry()
    try await registry.add()
    var inventory = Registry.inventory
    inventory.disks.disks[0].contents = DiskContents(signatures: [Signature(type: "ext4")])
    var agent = try Agent()
    _ = try await agent.claim(registry, nonce: try await registry.boot().nonce, inventory: inventory)
    #expect(try await agent.task(registry).reason?.contains("SN1") == true)
    #expect(try await registry.fleet.events(of: "node1").filter { $0.kind == "refusal" }.count == 1)
    var approval = ApproveMachine()
    approval.consents = ["SN1"]
    _ = try await registry.fleet.approve("node1", approval)
    let task = try #require(try await agent.task(registry).install)
    #expect(task.consent.disks.wipe == ["SN1"])
    try await agent.installed(registry, task: task.identifier)
    #expect(try await registry.fleet.machine("node1").consents.isEmpty)
  }

  @Test("an image that a machine is set to is not removed")
  func imageInUse() async throws {
    let registry = try Registry()
    try await registry.add()
    var change = SetMachine()
    change.image = "special"
    _ = try await registry.fleet.set("node1", change)
    #expect(await refusal { try await registry.fleet.removeImage(ImageName("special")) } is FleetError)
    try await registry.fleet.rememberClosures([Registry.closure])
    let used = await refusal { try await registry.fleet.forgetClosure(Registry.closure) }
    #expect(used is FleetError)
  }
}
