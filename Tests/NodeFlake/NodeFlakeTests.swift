import Fleet
import Foundation
import NodeFlake
import ProgramTestSupport
import Testing

@Suite("A machine's flake")
struct NodeFlakeTests {
  @Test("it has machine.json, the fixed flake with its lock, the templates and the owner's modules, and nothing else")
  func complete() throws {
    let templates = try TemplateFolder(path: FlakeFixture.templates)
    let flake = try NodeFlake(
      FlakeFixture.source(roles: ["golden"], modules: ["modules/gpu.nix": "{ }"]), templates: templates)
    for name in [
      "flake.nix", "flake.lock", "machines/node1.json", "modules/gpu.nix", "bootstead/lib/default.nix",
      "bootstead/modules/default.nix", "bootstead/roles/golden.nix", "bootstead/schema/machine.schema.json",
    ] { #expect(flake.files[name] != nil, "\(name)") }
    #expect(flake.files["flake.nix"] == templates.files["node-flake.nix"])
    #expect(
      flake.files.keys.allSatisfy {
        $0.hasPrefix("bootstead/") || $0.hasPrefix("machines/") || $0.hasPrefix("modules/") || !$0.contains("/")
      })
    #expect(!flake.files.keys.contains { $0.hasPrefix("bootstead/examples") || $0.hasPrefix("bootstead/checks") })
    #expect(flake.nixpkgs?.count == 40)
  }

  @Test("the fixed flake has the same input as the templates' own, whose lock it is")
  func input() throws {
    func input(_ name: String) throws -> Substring? {
      try String(contentsOfFile: FlakeFixture.templates + "/" + name, encoding: .utf8).split(separator: "\n")
        .first { $0.contains("inputs.nixpkgs.url") }
    }
    #expect(try input("flake.nix") != nil)
    #expect(try input("flake.nix") == input("node-flake.nix"))
  }

  @Test("the digest tells any other content, and only that")
  func digest() throws {
    let templates = try FlakeFixture.tinyTemplates()
    func digest(_ source: NodeSource) throws -> String { try NodeFlake(source, templates: templates).digest }
    let first = try digest(FlakeFixture.source())
    #expect(try digest(FlakeFixture.source()) == first && first.count == 64)
    #expect(try digest(FlakeFixture.source("node2")) != first)
    #expect(
      try digest(FlakeFixture.source(modules: ["modules/a.nix": "1"]))
        != digest(FlakeFixture.source(modules: ["modules/a.nix": "2"])))
  }

  @Test(
    "what the templates would refuse is refused before anything is written",
    arguments: [
      (["no-such-role"], "", "role 'no-such-role', which there is not; known are docker-host"),
      ([], #","appliance":{"url":"http://user:secret@host"}"#, "appliance.url: "),
      ([], #","network":{"interfaces":[{"mac":"AA"}]}"#, "network.interfaces[0].mac: "),
    ])
  func refused(roles: [String], more: String, expected: String) throws {
    let templates = try FlakeFixture.tinyTemplates()
    #expect {
      _ = try NodeFlake(FlakeFixture.source(roles: roles, more: more), templates: templates)
    } throws: { "\($0)".contains(expected) }
  }

  @Test("a role is one of the templates', in any number, and the others are refused with those that there are")
  func roles() throws {
    let fixture = try FlakeFixture()
    func flakes(_ templates: String?) throws -> NodeFlakes {
      NodeFlakes(
        fleet: try Fleet(path: fixture.folder.file("fleet.sqlite")), templates: templates,
        appliance: ApplianceIdentity(url: "http://192.0.2.1:8080"),
        folder: URL(fileURLWithPath: fixture.folder.file("flakes")))
    }
    let known = try flakes(fixture.templates)
    for text in [nil, "", "docker-host", " docker-host , docker-host"] { try known.check(roles: text) }
    for text in ["gold", "docker-host,gold", "_shared", "Docker", "docker-host,", "../docker-host"] {
      #expect(throws: FleetError.self, "\(text)") { try known.check(roles: text) }
    }
    #expect { try known.check(roles: "docker-host,gold") } throws: {
      "\($0)" == "role: there is no role 'gold'; known are docker-host"
    }
    // Without templates nobody knows.
    try flakes(nil).check(roles: "gold")
  }

  @Test("a folder that holds other things is not taken for templates")
  func noTemplates() throws {
    let folder = try TemporaryDirectory()
    #expect { _ = try TemplateFolder(path: folder.path) } throws: { "\($0)".contains("node-flake.nix is missing") }
    #expect(throws: FleetError.self) { try TemplateFolder(path: folder.file("none")) }
  }

  @Test("the agent lies where the modules look for it, for machines of its platform, and counts in the digest")
  func agent() throws {
    let folder = try TemporaryDirectory()
    try Data("agent".utf8).write(to: URL(fileURLWithPath: folder.file("agent")))
    let templates = try FlakeFixture.tinyTemplates()
    func make(_ system: String, _ digest: String) throws -> NodeFlake {
      try NodeFlake(
        FlakeFixture.source(), templates: templates,
        agent: AgentFile(path: folder.file("agent"), digest: digest, system: system))
    }
    let flake = try make("x86_64-linux", "1")
    try flake.write(to: URL(fileURLWithPath: folder.file("flake")))
    let written = FileManager.default.contents(atPath: folder.file("flake/agent/x86_64-linux/bootstead-agent"))
    #expect(written == Data("agent".utf8))
    let without = try NodeFlake(FlakeFixture.source(), templates: templates)
    #expect(try Set([flake.digest, without.digest, make("x86_64-linux", "2").digest]).count == 3)
    #expect(try make("aarch64-linux", "1").agent == nil && make("aarch64-linux", "1").digest == without.digest)
  }
}
