import Fleet
import Foundation
import NodeFlake
import ProgramTestSupport
import Synchronization
import Testing

@Suite("Builds by Nix", .enabled(if: FlakeFixture.hasNix, "needs nix-bin and root"))
struct NixBuildTests {
  private func flakes(_ fixture: FlakeFixture) async throws -> NodeFlakes {
    try await fixture.lock()
    return NodeFlakes(
      fleet: try Fleet(path: fixture.folder.file("fleet.sqlite")), templates: fixture.templates,
      appliance: ApplianceIdentity(url: "http://192.0.2.1:8080"),
      folder: URL(fileURLWithPath: fixture.folder.file("flakes")),
      nixEnvironment: fixture.environment)
  }

  private func flake(_ fixture: FlakeFixture, more: String = "", modules: [String: String] = [:]) throws -> NodeFlake {
    try NodeFlake(
      FlakeFixture.source(more: more, modules: modules), templates: TemplateFolder(path: fixture.templates))
  }

  @Test("a flake is built from its lock, and what was built is there as a binary cache while it is published")
  func builds() async throws {
    let fixture = try FlakeFixture()
    let flakes = try await flakes(fixture)
    let seen = Mutex<[BuildProgress]>([])
    let flake = try flake(fixture, modules: ["modules/a.nix": #""from the owner's module""#])
    #expect(flake.nixpkgs == FlakeFixture.revision)
    let closure = try await flakes.build(flake, builder: nil, progress: { step in seen.withLock { $0.append(step) } }) {
      let hash = $0.closure.dropFirst("/nix/store/".count).prefix(32)
      #expect(FileManager.default.fileExists(atPath: "\($0.cache)/\(hash).narinfo"))
      return $0.closure
    }
    #expect(closure.hasSuffix("-nixos-system-node1"))
    let built = try String(contentsOfFile: fixture.folder.file("home/store") + closure, encoding: .utf8)
    #expect(built.contains("from the owner's module") && built.contains("52:54:00:00:00:01"))
    #expect(
      seen.withLock { $0.contains { $0.activity == "building 'nixos-system-node1.drv'" } }, "\(seen.withLock { $0 })")
    #expect(seen.withLock { $0.contains { $0.done == 1 && $0.expected == 1 } })
    let left = try FileManager.default.contentsOfDirectory(atPath: fixture.folder.file("flakes"))
    #expect(left == [], "what the build needed is gone")
  }

  @Test(
    "what does not build names the owner's file and the reason, and publishes nothing",
    arguments: [
      ("{ x = 1;\n  y = undefinedvar; }.y", "", "undefined variable 'undefinedvar'", "at modules/bad.nix:2:7"),
      ("{ x = ", "", "syntax error, unexpected end of file", "at modules/bad.nix:1:"),
      ("throw \"not like this\"", "", "not like this", "error:"),
      ("1", #","settings":{"fails":"yes"}"#, "builder for", "> building nixos-system-node1"),
    ])
  func fails(module: String, more: String, reason: String, place: String) async throws {
    let fixture = try FlakeFixture()
    let flakes = try await flakes(fixture)
    let flake = try flake(fixture, more: more, modules: ["modules/bad.nix": module])
    do {
      _ = try await flakes.build(flake, builder: nil, progress: { _ in }) {
        Issue.record("\($0.closure) was published")
        return $0.closure
      }
      Issue.record("it was built")
    } catch {
      let text = "\(error)"
      #expect(text.contains("'node1' does not build, and nothing was published"), "\(text)")
      #expect(text.contains(reason) && text.contains(place), "\(text)")
      #expect(!text.contains("-source/") && !text.contains("\u{1B}"), "\(text)")
    }
  }

  @Test(
    "a builder is a host and nothing more",
    arguments: [
      "ssh://host x86_64-linux /root/.ssh/id", "host", "ssh://", "ssh://a;b", "ssh://host\nssh://other",
      "ssh://-oProxy=x",
      "file:///tmp", "ssh://user:password@host", "ssh://host:0", "ssh://host:65536",
    ])
  func builder(text: String) { #expect(throws: FleetError.self) { try NixBuilder(text) } }

  @Test(
    "hosts are builders, and their port is told apart",
    arguments: [
      ("ssh://builder", "ssh://builder", nil),
      ("ssh-ng://nix@builder.example.com:22", "ssh-ng://nix@builder.example.com", 22),
      ("ssh://[2001:db8::1]", "ssh://[2001:db8::1]", nil), ("ssh://[2001:db8::1]:2222", "ssh://[2001:db8::1]", 2222),
    ] as [(String, String, UInt16?)])
  func hosts(text: String, url: String, port: UInt16?) throws {
    let builder = try NixBuilder(text)
    #expect(builder.url == url && builder.port == port)
  }
}
