import Fleet
import Foundation
import NodeFlake
import ProgramTestSupport
import Synchronization
import Testing

/// A real `nix`, a real `ssh`, a real `sshd` with Nix behind it; only both hosts are this one.
@Suite(
  "Builds by Nix on another host",
  .enabled(if: FlakeFixture.hasNix && SecureShellServer.isInstalled, "needs nix-bin, openssh-server and root"))
struct RemoteBuildTests {
  private func flakes(_ fixture: FlakeFixture, ssh options: String) async throws -> NodeFlakes {
    try await fixture.lock()
    return NodeFlakes(
      fleet: try Fleet(path: fixture.folder.file("fleet.sqlite")), templates: fixture.templates,
      appliance: ApplianceIdentity(url: "http://192.0.2.1:8080"),
      folder: URL(fileURLWithPath: fixture.folder.file("flakes")),
      nixEnvironment: fixture.environment.merging(["NIX_SSHOPTS": options]) { $1 })
  }

  private func flake(_ fixture: FlakeFixture, more: String = "") throws -> NodeFlake {
    try NodeFlake(FlakeFixture.source(more: more), templates: TemplateFolder(path: fixture.templates))
  }

  @Test("the other host builds, and what it built is there as a binary cache")
  func builds() async throws {
    let fixture = try FlakeFixture()
    try await withSecureShellServer { server in
      let flakes = try await flakes(fixture, ssh: server.options())
      let seen = Mutex<[BuildProgress]>([])
      let closure = try await flakes.build(
        try flake(fixture), builder: try NixBuilder("ssh://root@127.0.0.1:\(server.port)"),
        progress: { step in seen.withLock { $0.append(step) } }
      ) {
        let hash = $0.closure.dropFirst("/nix/store/".count).prefix(32)
        #expect(FileManager.default.fileExists(atPath: "\($0.cache)/\(hash).narinfo"))
        return $0.closure
      }
      #expect(closure.hasSuffix("-nixos-system-node1"))
      #expect(FileManager.default.fileExists(atPath: server.store + closure), "it was not built there")
      let steps = seen.withLock { $0 }
      #expect(steps.contains { $0.activity.contains("on 'ssh://root@127.0.0.1'") }, "\(steps)")
    }
  }

  private func failure(_ fixture: FlakeFixture, _ flakes: NodeFlakes, more: String = "", port: UInt16) async throws
    -> String
  {
    do {
      _ = try await flakes.build(
        try flake(fixture, more: more), builder: try NixBuilder("ssh://root@127.0.0.1:\(port)"), progress: { _ in }
      ) {
        Issue.record("\($0.closure) was published")
        return $0.closure
      }
      return "it was built"
    } catch { return "\(error)" }
  }

  @Test("what does not build there is told with the last lines of its output")
  func fails() async throws {
    let fixture = try FlakeFixture()
    try await withSecureShellServer { server in
      let flakes = try await flakes(fixture, ssh: server.options())
      let text = try await failure(fixture, flakes, more: #","settings":{"fails":"yes"}"#, port: server.port)
      #expect(text.contains("'node1' does not build, and nothing was published"), "\(text)")
      #expect(text.contains("builder for") && text.contains("> building nixos-system-node1"), "\(text)")
    }
  }

  @Test("a host that does not let the appliance in, or that is another one, is named with what ssh said")
  func refused() async throws {
    let fixture = try FlakeFixture()
    try await withSecureShellServer { server in
      let stranger = try await flakes(fixture, ssh: server.options(key: server.folder.file("stranger")))
      var text = try await failure(fixture, stranger, port: server.port)
      #expect(text.contains("cannot build on 'ssh://root@127.0.0.1'") && text.contains("Permission denied"), "\(text)")

      try Data().write(to: URL(fileURLWithPath: server.folder.file("known")))
      let unknown = try await flakes(fixture, ssh: server.options())
      text = try await failure(fixture, unknown, port: server.port)
      #expect(text.contains("Host key verification failed"), "\(text)")
    }
  }
}
