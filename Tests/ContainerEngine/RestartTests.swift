import Foundation
import NodeWork
import ProgramRunner
import Testing

extension RealEngine {
  @Suite("Stacks with secrets", .enabled(if: EngineNode.isPossible, "Scripts/with-container-engine runs it"))
  struct RestartTests {
    @Test("are whole after the machine restarted, and are taken down when neither they nor their secrets are declared")
    func life() async throws {
      let node = try await EngineNode(stacks: ["ledger", "pages"])
      do {
        try await node.apply()
        try await restart(node)
        try await repair(node)
        try await change(node)
        try await takeDown(node)
      } catch {
        let states = try? await node.containers()
        Issue.record("\(error)\ncontainers: \(states ?? [:])")
      }
      try await node.end()
    }

    /// The engine starts what needs neither a stack's own file system nor a secret, before either is there.
    private func restart(_ node: EngineNode) async throws {
      _ = try await node.inside("pages-server", ["sh", "-c", "echo kept >/pages/kept"])
      try await node.restart()
      let half = try await node.containers()
      #expect(half["pages-server"]?.hasPrefix("running") == false, "\(half)")
      #expect(half["pages-clock"]?.hasPrefix("running") == true, "\(half)")
      #expect(half["ledger-database"]?.hasPrefix("running") == false, "\(half)")
      let outcomes = try outcomes(await node.apply().standardOutput)
      #expect(outcomes.map(\.action) == [.started, .started], "\(outcomes)")
      #expect(try await node.containers() == Self.whole)
      #expect(try await node.inside("pages-server", ["cat", "/pages/kept"]) == "kept\n")
      #expect(try self.outcomes(await node.apply().standardOutput).allSatisfy { $0.action == .unchanged })
    }

    private static let whole = [
      "ledger-database": "running (healthy)", "ledger-writer": "running", "pages-clock": "running",
      "pages-server": "running (healthy)",
    ]

    /// One container is gone beside others that run; one was stopped on purpose.
    private func repair(_ node: EngineNode) async throws {
      try await node.run("docker", ["rm", "--force", "pages-clock-1"])
      try await node.agent(["stacks", "stop", "ledger/writer"])
      #expect(try outcomes(await node.apply().standardOutput).map(\.action) == [.unchanged, .started])
      var expected = Self.whole
      expected["ledger-writer"] = "exited"
      #expect(try await node.containers() == expected)
      try await node.agent(["stacks", "start", "ledger/writer"])
      #expect(try await node.containers() == Self.whole)
    }

    /// What changed while the stack was stopped is what starts.
    private func change(_ node: EngineNode) async throws {
      try await node.agent(["stacks", "stop", "pages"])
      try node.edit("pages/compose.yaml", "99999", "86400")
      try node.edit("pages/serve.sh", "echo \"serving\"", "echo \"serving anew\"")
      try await node.compile()
      #expect(try outcomes(await node.apply().standardOutput).first { $0.stack == "pages" }?.action == .stopped)
      try await node.agent(["stacks", "start", "pages"])
      #expect(try await node.inside("pages-clock", ["cat", "/proc/1/cmdline"]).contains("86400"))
      #expect(try await node.agent(["stacks", "logs", "pages/server"]).standardOutput.contains("serving anew"))
      #expect(try outcomes(await node.apply().standardOutput).allSatisfy { $0.action == .unchanged })
      try await node.agent(["stacks", "down", "pages"])
      #expect(try await node.containers()["pages-server"] == nil)
      try await node.agent(["stacks", "start", "pages"])
      #expect(try await node.containers() == Self.whole)
    }

    private func takeDown(_ node: EngineNode) async throws {
      try await node.compile(left: ["pages"])
      try FileManager.default.removeItem(atPath: "/run/bootstead/secrets/ledger-password")
      try FileManager.default.removeItem(atPath: "/run/bootstead/secrets/pages-token")
      // Neither can come up, and both can go.
      let refused = try await node.apply(isChecked: false)
      #expect(try outcomes(refused.standardOutput).map(\.action) == [.leftover, .failed])
      #expect(try await node.agent(["stacks", "ps"]).standardOutput.contains("ledger-database-1"))
      try await node.agent(["stacks", "stop", "pages"])
      try await node.agent(["stacks", "down", "pages"])
      let gone = try await node.agent(
        ["stacks", "apply", "--remove-others", "--json", "--configuration", node.set, "--backup", node.configuration],
        isChecked: false)
      #expect(try outcomes(gone.standardOutput).map(\.action) == [.removed, .failed])
      try await node.agent(["stacks", "remove", "pages", "--keep-data"])
      #expect(try await node.containers() == [:])
      let networks = try await node.run("docker", ["network", "ls", "--format", "{{.Name}}"]).standardOutput
      #expect(!networks.contains("ledger"))
      #expect(node.exists("/srv/appdata/pages/pages/kept"))
      #expect(node.exists("/srv/db/ledger/database/PG_VERSION"))
    }

    private func outcomes(_ text: String) throws -> [StackOutcome] {
      try JSONDecoder().decode([StackOutcome].self, from: Data(text.utf8))
    }
  }
}
