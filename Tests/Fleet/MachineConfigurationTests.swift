import AgentProtocol
import DiskLayout
import Fleet
import Foundation
import NetworkAddress
import Testing

@Suite("machine.json")
struct MachineConfigurationTests {
  static let source = InstallSource(
    cachePublicKeys: [],
    appliance: ApplianceIdentity(
      url: "http://192.0.2.1:8080", publicKey: "AAAA",
      cacheKey: "bootstead-1:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="))

  static func schema() throws -> JSONSchema {
    let file = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
      .appendingPathComponent("../../templates/schema/machine.schema.json")
    return try JSONSchema(Data(contentsOf: file), name: "machine.schema.json")
  }

  static func configuration(_ change: (inout AddMachine) -> Void = { _ in }, disks: [Disk]) async throws -> JSONValue {
    let registry = try Registry()
    var request = AddMachine(
      name: try MachineName("node1"), addresses: [try MACAddress("52:54:00:00:00:01")],
      layout: LayoutSpec(volumes: [VolumeSpec(name: "appdata", size: .bytes(20 << 30), mountPoint: "/srv/appdata")]))
    request.closure = Registry.closure
    request.role = "base-hardened, docker-host"
    request.stacks = ["photos"]
    change(&request)
    _ = try await registry.fleet.add(request)
    var agent = try Agent()
    _ = try await agent.claim(
      registry, nonce: try await registry.boot().nonce, inventory: InstalledMachine.inventory(disks: disks))
    let answer = try await registry.fleet.task(signed: agent.signed(AgentPath.task), source: source)
    let task = try #require(answer.install, "\(answer.reason ?? "")")
    return try JSONDecoder().decode(JSONValue.self, from: task.machineConfiguration)
  }

  static func field(_ value: JSONValue, _ name: String) -> JSONValue? {
    if case .object(let fields) = value { fields[name] } else { nil }
  }

  @Test("an install's machine.json fits the published schema and says what the plan says")
  func schema() async throws {
    let value = try await Self.configuration(disks: [InstalledMachine.disk("SN1")])
    #expect(try Self.schema().problems(of: value) == [])
    #expect(Self.field(value, "system") == .text("x86_64-linux") && Self.field(value, "firmware") == .text("both"))
    #expect(Self.field(value, "stateVersion") == .text("26.05"))
    #expect(Self.field(value, "bootDisk") == .text("/dev/disk/by-id/ata-DISK_SN1"))
    #expect(Self.field(value, "bootDiskSize") == .integer(500 << 30) && Self.field(value, "dataDisk") == nil)
    #expect(Self.field(value, "roles") == .array([.text("base-hardened"), .text("docker-host")]))
    #expect(Self.field(try #require(Self.field(value, "appliance")), "url") == .text("http://192.0.2.1:8080"))
    guard case .array(let fileSystems)? = Self.field(value, "fileSystems") else {
      Issue.record("no file systems: \(value.compact)")
      return
    }
    let data = try #require(fileSystems.first { Self.field($0, "mountPoint") == .text("/srv/appdata") })
    #expect(Self.field(data, "device") == .text("/dev/data/appdata") && Self.field(data, "size") == .integer(20 << 30))
    #expect(
      fileSystems.contains {
        Self.field($0, "mountPoint") == .text("/") && Self.field($0, "size") == .integer(100 << 30)
      })
  }

  @Test("a disk without a serial number goes by its place, and a disk for the data is named with its size")
  func disks() async throws {
    var system = InstalledMachine.disk("SN1")
    system.id = "path:pci-0000:00:1f.2-ata-1"
    let value = try await Self.configuration(
      {
        $0.layout.systemDisk = .id("path:pci-0000:00:1f.2-ata-1")
        $0.layout.dataDisk = .serial("SN2")
      }, disks: [system, InstalledMachine.disk("SN2")])
    #expect(try Self.schema().problems(of: value) == [])
    #expect(Self.field(value, "bootDisk") == .text("/dev/disk/by-path/pci-0000:00:1f.2-ata-1"))
    #expect(Self.field(value, "dataDisk") == .text("/dev/disk/by-id/ata-DISK_SN2"))
    #expect(Self.field(value, "dataDiskSize") == .integer(500 << 30))
  }

  @Test("what may promise more than the pool holds says so to the modules")
  func overcommit() async throws {
    let value = try await Self.configuration(
      {
        $0.layout.allowsOvercommit = true
        $0.layout.volumes = ["a", "b"].map { VolumeSpec(name: $0, size: .bytes(300 << 30), mountPoint: "/srv/\($0)") }
      }, disks: [InstalledMachine.disk("SN1")])
    #expect(Self.field(value, "settings")?.compact == #"{"storage":{"allowOvercommit":true}}"#)
    #expect(try Self.schema().problems(of: value) == [])
  }

  @Test(
    "what can not be a name in machine.json is refused where it is given",
    arguments: ["Docker", "docker host\n", "a,,b", "../x", "-a", "é", String(repeating: "a", count: 64)])
  func names(text: String) async throws {
    let registry = try Registry()
    try await registry.add()
    var change = SetMachine()
    change.role = text
    let error = await refusal { _ = try await registry.fleet.set("node1", change) }
    #expect((error as? FleetError)?.description.hasPrefix("role: ") == true)
    var stacks = SetMachine()
    stacks.stacks = [text]
    #expect(await refusal { _ = try await registry.fleet.set("node1", stacks) } is FleetError)
  }

  @Test(
    "what breaks the schema is named with its field",
    arguments: [
      (#""schema":2"#, "schema: has to be 1"), (#""name":"Node""#, #"name: "Node" is not possible here"#),
      (#""addresses":[]"#, "addresses: needs at least 1"),
      (#""addresses":["52:54:00:00:00:01","52:54:00:00:00:01"]"#, "addresses: names the same twice"),
      (#""network":{"interfaces":[{"mac":"52-54"}]}"#, #"network.interfaces[0].mac: "52-54" is not possible"#),
      (#""network":{"interfaces":[{"mac":"52:54:00:00:00:01","vlans":[{"id":4095}]}]}"#, "4095 is over 4094"),
      (#""network":{"interface":[]}"#, "network.interface: there is no such field; known are domain, interfaces"),
      (#""stacks":"photos""#, "stacks: has to be a list"),
      (#""firmware":"coreboot""#, "firmware: \"coreboot\" is none"),
      (#""modules":["../x.nix"]"#, "modules[0]: "), (#""modules":["a\r\n.nix"]"#, "modules[0]: "),
      (#""administrator":{"authorizedKeys":["ssh-ed25519 A\nB"]}"#, "administrator.authorizedKeys[0]: "),
    ])
  func problems(fields: String, expected: String) throws {
    let value = try JSONDecoder().decode(JSONValue.self, from: Data("{\(fields)}".utf8))
    let problems = try Self.schema().problems(of: value)
    #expect(problems.contains { $0.contains(expected) }, "\(problems)")
    #expect(problems.contains("bootDisk: is missing"))
  }
}
