import DiskLayout
import Fleet
import Foundation
import NetworkAddress
import NodeFlake
import ProgramTestSupport
import Testing

@Suite("A declared fleet")
struct DeclarationTests {
  let folder: TemporaryDirectory
  let fleet: Fleet
  let rules: DeclarationRules

  init() throws {
    folder = try TemporaryDirectory()
    fleet = try Fleet(path: folder.file("fleet.sqlite"))
    rules = try FlakeFixture.tinyTemplates().declarationRules()
  }

  static func files(_ texts: [String: String]) -> DeclaredFiles { DeclaredFiles(texts.mapValues { Data($0.utf8) }) }

  static let first = [
    "fleet.json": #"""
    {"administrator":{"name":"runner","authorizedKeys":["ssh-ed25519 AAAA runner@laptop"]},
     "network":{"domain":"home.example.com"},"settings":{"backup":{"daily":7,"weekly":4}},"modules":["modules/all.nix"]}
    """#,
    "machines/node1.json": #"""
    {"addresses":["52:54:00:00:00:01"],"roles":["docker-host"],"stacks":["photos"],"stateVersion":"25.11",
     "network":{"interfaces":[{"mac":"52:54:00:00:00:01","addresses":["192.0.2.5/24"],"gateway":"192.0.2.1"}]},
     "settings":{"backup":{"daily":14},
      "stacks":{"settings":{"photos":{"secrets":{"TOKEN":"secret:photos-token"}}}}},"modules":["modules/deep/gpu.nix"],
     "layout":{"disk":"serial:SN1","systemSize":"40GiB","volumes":[
       {"name":"appdata","size":"50%","mountPoint":"/srv/appdata","placementClass":"fast"}]}}
    """#,
    "machines/node2.json": #"{"addresses":["52:54:00:00:00:02"]}"#,
    "modules/all.nix": "{ }", "modules/deep/gpu.nix": "{ }",
  ]

  @discardableResult
  private func apply(_ texts: [String: String]) async throws -> DeclarationPlan {
    let files = Self.files(texts)
    let plan = try await fleet.planDeclaration(files, rules: rules)
    return try await fleet.applyDeclaration(files, rules: rules, consented: plan.digest)
  }

  private func refusal(_ texts: [String: String]) async -> String {
    do {
      _ = try await fleet.planDeclaration(Self.files(texts), rules: rules)
      return ""
    } catch { return "\(error)" }
  }

  @Test("what is declared is what the registry holds, with the fleet's defaults")
  func applied() async throws {
    let plan = try await apply(Self.first)
    #expect(plan.machines.map(\.machine) == ["node1", "node2"] && plan.machines.allSatisfy(\.isNew))
    #expect(plan.text.contains("+ node1: new") && plan.text.contains("roles: docker-host"))
    let detail = try await fleet.machine("node1")
    let machine = detail.machine
    #expect(machine.state == .armed && machine.roles == ["docker-host"] && machine.stacks == ["photos"])
    #expect(machine.stateVersion == "25.11" && detail.addresses.map(\.description) == ["52:54:00:00:00:01"])
    #expect(machine.layout.systemDisk == .serial("SN1") && machine.layout.systemSize == 40 << 30)
    #expect(
      machine.layout.volumes == [
        VolumeSpec(name: "appdata", size: .poolPercent(50), mountPoint: "/srv/appdata", placementClass: "fast")
      ])
    let choices = machine.choices
    #expect(choices.network?.domain == "home.example.com" && choices.network?.interfaces?.first?.gateway == "192.0.2.1")
    #expect(choices.administrator?.name == "runner")
    #expect(choices.settings["backup"]?.compact == #"{"daily":14,"weekly":4}"#)
    #expect(choices.modules == ["modules/all.nix", "modules/deep/gpu.nix"])
    #expect(try await fleet.machine("node2").machine.choices.settings["backup"]?.compact == #"{"daily":7,"weekly":4}"#)
    let stored = try #require(try await fleet.declaration())
    #expect(stored.files == Self.files(Self.first).files && stored.digest == plan.files)
  }

  @Test("the plan tells each change old and new, and leaves what is not declared")
  func changes() async throws {
    try await apply(Self.first)
    _ = try await fleet.add(
      AddMachine(name: try MachineName("attic"), addresses: [try MACAddress("52:54:00:00:00:09")], layout: LayoutSpec())
    )
    #expect(try await apply(Self.first).isEmpty)
    var changed = Self.first
    changed["machines/node2.json"] = #"{"addresses":["52:54:00:00:00:02","52:54:00:00:00:03"],"roles":["docker-host"]}"#
    changed["modules/all.nix"] = "{ a = 1; }"
    let files = Self.files(changed)
    let plan = try await fleet.planDeclaration(files, rules: rules)
    #expect(plan.machines.map(\.machine) == ["node2"] && plan.undeclared == ["attic"])
    #expect(
      plan.machines.first?.fields == [
        DeclarationPlan.Field(
          field: "addresses", old: "52:54:00:00:00:02", new: "52:54:00:00:00:02, 52:54:00:00:00:03"),
        .init(field: "roles", old: nil, new: "docker-host"),
      ])
    #expect(plan.modules.map(\.field) == ["modules/all.nix"])
    #expect(plan.text.contains("roles: - → docker-host") && plan.text.contains("left as they are: attic"))
    // A plan changes nothing.
    #expect(try await fleet.machine("node2").machine.role == nil)
    try await apply(changed)
    #expect(try await fleet.machine("node2").addresses.count == 2)
    #expect(try await fleet.machine("attic").machine.state == .armed)
    #expect(try await fleet.events(of: "node2").contains { $0.text == "declared anew: addresses, roles" })
  }

  @Test("machines may swap their cards in one change")
  func swap() async throws {
    try await apply(Self.first)
    var swapped = Self.first
    swapped["machines/node1.json"] = #"{"addresses":["52:54:00:00:00:02"]}"#
    swapped["machines/node2.json"] = #"{"addresses":["52:54:00:00:00:01"]}"#
    try await apply(swapped)
    #expect(try await fleet.machine("node1").addresses.map(\.description) == ["52:54:00:00:00:02"])
    #expect(try await fleet.machine("node2").addresses.map(\.description) == ["52:54:00:00:00:01"])
  }

  @Test("consent is for the plan that was seen")
  func consent() async throws {
    let files = Self.files(Self.first)
    let plan = try await fleet.planDeclaration(files, rules: rules)
    _ = try await fleet.add(
      AddMachine(name: try MachineName("node2"), addresses: [try MACAddress("52:54:00:00:00:02")], layout: LayoutSpec())
    )
    await #expect(throws: FleetError.self) {
      _ = try await fleet.applyDeclaration(files, rules: rules, consented: plan.digest)
    }
    #expect(try await fleet.machines().map(\.machine.name.text) == ["node2"])
    #expect(try await fleet.declaration() == nil)
  }

  @Test(
    "a bad file is refused with its name and field, nothing of the others is applied, and the last good state stays",
    arguments: [
      ("machines/node2.json", #"{"addresses":["52-54"]}"#, #"machines/node2.json: addresses[0]: "52-54""#),
      ("machines/node2.json", #"{}"#, "machines/node2.json: addresses: is missing"),
      ("machines/node2.json", "{", "machines/node2.json: this is not JSON"),
      ("machines/node2.json", "[]", "machines/node2.json: (the whole): has to be an object"),
      (
        "machines/node2.json", #"{"addresses":["52:54:00:00:00:02"],"role":"docker-host"}"#,
        "machines/node2.json: role: there is no such field; known are addresses"
      ),
      (
        "machines/node2.json", #"{"addresses":["52:54:00:00:00:02"],"roles":["dokcer-host"]}"#,
        "machines/node2.json: roles[0]: there is no role 'dokcer-host'; known are docker-host"
      ),
      (
        "machines/node2.json", #"{"addresses":["52:54:00:00:00:02"],"modules":["modules/none.nix"]}"#,
        "machines/node2.json: modules[0]: there is no file modules/none.nix"
      ),
      (
        "machines/node2.json", #"{"addresses":["52:54:00:00:00:02"],"modules":["modules/../../etc/x.nix"]}"#,
        "machines/node2.json: modules[0]: "
      ),
      (
        "machines/node2.json", #"{"addresses":["52:54:00:00:00:01"]}"#,
        "machines/node2.json: addresses[0]: 52:54:00:00:00:01 is declared by machines/node1.json too"
      ),
      (
        "machines/node2.json", #"{"addresses":["53:54:00:00:00:01"]}"#,
        "machines/node2.json: addresses[0]: 53:54:00:00:00:01 is not the address of one network card"
      ),
      (
        "machines/node2.json",
        #"{"addresses":["52:54:00:00:00:02"],"network":{"interfaces":[{"mac":"52:54:00:00:00:03"}]}}"#,
        "machines/node2.json: network.interfaces[0].mac: 52:54:00:00:00:03 is none of the machine's addresses"
      ),
      (
        "machines/node2.json",
        #"{"addresses":["52:54:00:00:00:02"],"layout":{"volumes":[{"name":"a","size":"1","mountPoint":"/srv"}]}}"#,
        "machines/node2.json: layout: "
      ),
      (
        "machines/node2.json", #"{"addresses":["52:54:00:00:00:02"],"layout":{"systemSize":"999999999999TiB"}}"#,
        "machines/node2.json: layout.systemSize: "
      ),
      ("machines/Node2.json", #"{"addresses":["52:54:00:00:00:02"]}"#, "machines/Node2.json: expected fleet.json"),
      ("machines/../x.json", "{}", "machines/../x.json: expected fleet.json"),
      ("modules/../../x.nix", "{}", "modules/../../x.nix: expected fleet.json"),
      ("fleet.json", #"{"network":{"interfaces":[]}}"#, "fleet.json: network.interfaces: there is no such field"),
      ("fleet.json", #"{"administrator":{"name":"Root User"}}"#, "fleet.json: administrator.name: "),
    ])
  func bad(path: String, text: String, expected: String) async throws {
    try await apply(Self.first)
    var changed = Self.first
    changed["machines/node1.json"] = #"{"addresses":["52:54:00:00:00:01"]}"#
    changed[path] = text
    let refused = await refusal(changed)
    #expect(refused.contains(expected), "\(refused)")
    await #expect(throws: FleetError.self) {
      _ = try await fleet.applyDeclaration(Self.files(changed), rules: rules, consented: "")
    }
    #expect(try await fleet.machine("node1").machine.roles == ["docker-host"])
    #expect(try await fleet.declaration()?.files == Self.files(Self.first).files)
  }

  @Test("files that are too large or too deep are refused")
  func large() async throws {
    var deep = Self.first
    deep["machines/node2.json"] = String(repeating: "[", count: 100_000)
    #expect(await refusal(deep).contains("machines/node2.json: this is not JSON"))
    var large = Self.first
    large["modules/big.nix"] = String(repeating: " ", count: 1 << 20)
    #expect(await refusal(large).contains("more than the 1 MiB"))
  }

  @Test("an address of a machine that is not declared is refused with what to do")
  func foreignAddress() async throws {
    _ = try await fleet.add(
      AddMachine(name: try MachineName("attic"), addresses: [try MACAddress("52:54:00:00:00:02")], layout: LayoutSpec())
    )
    let refused = await refusal(Self.first)
    #expect(refused.contains("machines/node2.json: addresses[0]: 52:54:00:00:00:02 belongs to the machine 'attic'"))
    #expect(refused.contains("bootstead machine rename attic node2"))
  }
}
