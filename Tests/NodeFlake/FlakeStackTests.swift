import DiskLayout
import Fleet
import Foundation
import NetworkAddress
import NodeFlake
import ProgramTestSupport
import StackSet
import Testing

@Suite("Stacks that the appliance compiles")
struct FlakeStackTests {
  private let folder: TemporaryDirectory
  private let fixture: FlakeFixture
  private let fleet: Fleet
  private let nodes: NodeFlakes
  private let rules: DeclarationRules

  init() throws {
    folder = try TemporaryDirectory()
    fixture = try FlakeFixture()
    fleet = try Fleet(path: folder.file("fleet.sqlite"))
    nodes = NodeFlakes(
      fleet: fleet, templates: fixture.templates, appliance: ApplianceIdentity(url: "http://192.0.2.1:8080"),
      folder: URL(fileURLWithPath: folder.file("flakes")))
    rules = try TemplateFolder(path: fixture.templates).declarationRules()
  }

  private func flake(_ source: NodeSource) throws -> NodeFlake {
    try NodeFlake(source, templates: TemplateFolder(path: fixture.templates))
  }

  @Test("a flake has what its machine's stacks were compiled to, and no such file where there are none")
  func exported() throws {
    let settings = #","settings":\#(FlakeFixture.chosen)"#
    let flake = try flake(FlakeFixture.source(stacks: ["photos"], more: settings))
    let set = try StackSet(try #require(flake.files["stacks/node1.json"]))
    #expect(set.machine == "node1" && set.stacks.map(\.name) == ["photos"] && set.stacks[0].digest.count == 64)
    #expect(set.stacks[0].secrets.map(\.reference).sorted() == ["secret:photos-key", "secret:photos-token"])
    #expect(flake.stackSetPath == "stacks/node1.json")
    let without = try self.flake(FlakeFixture.source())
    #expect(!without.files.keys.contains { $0.hasPrefix("stacks/") })
    #expect(flake.digest != without.digest)
  }

  @Test("a stack of the owner's own is compiled and goes with the flake of the machines that run it")
  func own() throws {
    let own = [
      "stacks/wiki/compose.yaml": FlakeFixture.stack("wiki"), "stacks/other/compose.yaml": "not read",
      "stacks/wiki/secrets/KEY": "for trying it out",
    ]
    let settings = #","settings":{"stacks":{"settings":{"wiki":{"secrets":{"TOKEN":"secret:t"}}}}}"#
    let flake = try flake(FlakeFixture.source(stacks: ["wiki"], more: settings, own: own))
    #expect(flake.files["stacks/wiki/compose.yaml"] == Data(FlakeFixture.stack("wiki").utf8))
    #expect(flake.files["stacks/node1.json"] != nil && flake.files["stacks/other/compose.yaml"] == nil)
    // What another stack is changes nothing for this machine.
    var changed = own
    changed["stacks/other/compose.yaml"] = "changed"
    let same = try self.flake(FlakeFixture.source(stacks: ["wiki"], more: settings, own: changed))
    #expect(same.digest == flake.digest)
    changed["stacks/wiki/compose.yaml"] = FlakeFixture.stack("wiki", image: "1.5.0")
    #expect(
      try self.flake(FlakeFixture.source(stacks: ["wiki"], more: settings, own: changed)).digest != flake.digest)
  }

  @Test(
    "what breaks a rule is refused with file, line and the rule's name, and there is no flake",
    arguments: [
      (
        "photos", #"{"stacks":{"settings":{"photos":{"parameters":{"limit":10},"secrets":{"TOKEN":"secret:t"}}}}}"#,
        "", #"machines/node1\.json:[1-9][0-9]*: parameter: settings\.stacks\.settings\.photos\.parameters\.limit"#
      ),
      ("photos", "{}", "", #"machines/node1\.json:[1-9][0-9]*: secret-undeclared: .*TOKEN"#),
      ("fotos", "{}", "", #"machines/node1\.json:[1-9][0-9]*: dependency: .*no stack 'fotos'; known are photos, wiki"#),
      (
        "photos", #"{"stacks":{"placement":{"films":"/srv"}}}"#, "",
        #"machines/node1\.json:[1-9][0-9]*: schema: settings\.stacks\.placement\.films"#
      ),
      (
        "photos", #"{"stacks":{"own":{"wiki":"stacks/wiki"}}}"#, "",
        #"machines/node1\.json:[1-9][0-9]*: schema: settings\.stacks\.own .*put the folder into stacks"#
      ),
      ("wiki", "{}", "latest", #"stacks/wiki/compose\.yaml:4: image-pinned: "#),
    ] as [(String, String, String, String)])
  func refused(stack: String, settings: String, image: String, expected: String) throws {
    let pattern = try Regex(expected)
    let own = ["stacks/wiki/compose.yaml": FlakeFixture.stack("wiki", image: image.isEmpty ? "1.0" : image)]
    #expect {
      _ = try flake(FlakeFixture.source(stacks: [stack], more: #","settings":\#(settings)"#, own: own))
    } throws: {
      "\($0)".contains(pattern) && "\($0)".contains("the stacks of 'node1' are refused, and nothing was")
    }
  }

  // MARK: Where they are declared

  private func declare(_ texts: [String: String]) async throws {
    let files = DeclarationTests.files(texts)
    let plan = try await fleet.planDeclaration(files, rules: rules)
    _ = try await fleet.applyDeclaration(files, rules: rules, consented: plan.digest)
  }

  private func refusal(_ texts: [String: String]) async -> String {
    do {
      try await declare(texts)
      return ""
    } catch { return "\(error)" }
  }

  private static func machine(_ number: Int, _ stacks: String, _ settings: String) -> String {
    """
    {"addresses":["52:54:00:00:00:0\(number)"],
     "roles":["docker-host"],
     "stacks":\(stacks),
     "settings":
       {"stacks":
         {"settings":
           \(settings)}}}
    """
  }

  private static let good = [
    "machines/node1.json": machine(1, #"["photos"]"#, #"{"photos":{"secrets":{"TOKEN":"secret:photos-token"}}}"#)
  ]

  @Test("a declaration with a bad parameter or template changes nothing, and names the line in the file")
  func declared() async throws {
    try await declare(Self.good)
    var bad = Self.good
    bad["machines/node1.json"] = Self.machine(
      1, #"["photos"]"#, #"{"photos":{"secrets":{"TOKEN":"secret:t"},\#n"parameters":{"limit":0}}}"#)
    let parameter = await refusal(bad)
    #expect(parameter.contains("machines/node1.json:8: parameter: settings.stacks.settings.photos.parameters.limit"))
    bad["machines/node1.json"] = Self.machine(1, #"["wiki"]"#, "{}")
    #expect(await refusal(bad).contains("machines/node1.json:3: dependency: stacks: there is no stack 'wiki'"))
    bad["stacks/wiki/compose.yaml"] = FlakeFixture.stack("wiki", image: "latest")
    #expect(await refusal(bad).contains("stacks/wiki/compose.yaml:4: image-pinned: "))
    #expect(try await fleet.machine("node1").machine.stacks == ["photos"])
    #expect(try await fleet.declaration()?.files == DeclarationTests.files(Self.good).files)
  }

  @Test("a setting of the whole fleet is named in its own file")
  func fleetFile() async throws {
    let texts = [
      "fleet.json": #"{"settings":{"stacks":\#n{"placement":{"appdata":"srv"}}}}"#,
      "machines/node1.json": Self.good["machines/node1.json"] ?? "",
    ]
    let refused = await refusal(texts)
    #expect(refused.contains("fleet.json:2: volume-undeclared: settings.stacks.placement.appdata"), "\(refused)")
  }

  @Test("an own stack is declared by its folder, and can not go or break while a machine that is not declared runs it")
  func foreign() async throws {
    let wiki = [
      "machines/node1.json": Self.machine(1, #"["wiki"]"#, #"{"wiki":{"secrets":{"TOKEN":"secret:t"}}}"#),
      "stacks/wiki/compose.yaml": FlakeFixture.stack("wiki"),
    ]
    let files = DeclarationTests.files(wiki)
    let plan = try await fleet.planDeclaration(files, rules: rules)
    #expect(plan.modules.map(\.field) == ["stacks/wiki/compose.yaml"])
    _ = try await fleet.applyDeclaration(files, rules: rules, consented: plan.digest)
    #expect(try await fleet.declaredStacks(of: "node1").files == files)
    for broken in [nil, FlakeFixture.stack("wiki", image: "latest")] {
      var texts = ["machines/node2.json": #"{"addresses":["52:54:00:00:00:02"]}"#]
      texts["stacks/wiki/compose.yaml"] = broken
      let refused = await refusal(texts)
      #expect(refused.contains("the machine 'node1', which is not declared: "), "\(refused)")
    }
    #expect(try await fleet.machines().map(\.machine.name.text) == ["node1"])
    #expect(
      await refusal(["stacks/wiki/secrets/KEY": "value", "fleet.json": "{}"])
        .contains("stacks/wiki/secrets/KEY: values of secrets do not belong here"))
  }

  @Test("a machine is not added, set or approved with stacks that break a rule, and other changes are not held up")
  func verbs() async throws {
    var add = AddMachine(
      name: try MachineName("node1"), addresses: [try MACAddress("52:54:00:00:00:01")], layout: LayoutSpec())
    add.stacks = ["fotos"]
    await #expect(throws: FleetError.self) { try await nodes.check(stacksOf: add) }
    add.stacks = []
    try await nodes.check(stacksOf: add)
    _ = try await fleet.add(add)
    var change = SetMachine()
    change.stacks = ["fotos"]
    await #expect {
      try await nodes.check(stacksOf: "node1", after: change)
    } throws: { "\($0)".contains("machines/node1.json:0: dependency: stacks: there is no stack 'fotos'") }
    var approval = ApproveMachine()
    approval.stacks = ["fotos"]
    await #expect(throws: FleetError.self) { try await nodes.check(stacksOf: "node1", after: approval) }
    // Without templates nobody knows; and a machine whose stacks broke by a new version can still be blocked.
    _ = try await fleet.set("node1", change)
    change = SetMachine()
    change.blocked = true
    try await nodes.check(stacksOf: "node1", after: change)
    #expect(try await nodes.stackStanding(of: "node1").problems.count == 1)
  }

  // MARK: Secrets

  @Test("it is told which secrets of a machine's stacks are not stored, and which of them can be made")
  func secrets() async throws {
    try await declare(Self.good)
    var standing = try await nodes.stackStanding(of: "node1")
    #expect(standing.stacks == ["photos"] && standing.problems == [])
    #expect(standing.missing.map(\.name) == ["photos-key", "photos-token"])
    #expect(standing.secrets.map(\.uses) == [["photos: KEY"], ["photos: TOKEN"]])
    #expect(standing.secrets.map(\.generate?.bytes) == [24, nil])
    try await fleet.setSecret(Data("x".utf8), named: "photos-token", of: "node1")
    standing = try await nodes.stackStanding(of: "node1")
    #expect(standing.missing.map(\.name) == ["photos-key"] && standing.secrets.allSatisfy { !$0.isOnNode })
  }

  @Test(
    "the sets that the Nix checks start are what compiling makes of the files beside them",
    arguments: ["checked", "routed"])
  func checked(_ name: String) throws {
    let root = FlakeFixture.templates + "/checks/exported"
    func data(_ path: String) throws -> Data { try Data(contentsOf: URL(fileURLWithPath: "\(root)/\(path)")) }
    let set = try TemplateFolder(path: FlakeFixture.templates).stackSet(
      of: MachineName(name), data("machines/\(name).json"),
      files: ["stacks/wiki/compose.yaml": data("stacks/wiki/compose.yaml")])
    #expect(try StackSet(data("stacks/\(name).json")) == set)
  }
}
