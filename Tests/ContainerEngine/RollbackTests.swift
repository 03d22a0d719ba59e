import Foundation
import NodeWork
import ProgramRunner
import Testing

extension RealEngine {
  @Suite("A rollback", .enabled(if: EngineNode.isPossible, "Scripts/with-container-engine runs it"))
  struct RollbackTests {
    @Test("over newer snapshots is refused before anything stops, and happens later only when it is asked for again")
    func refused() async throws {
      let node = try await EngineNode(stacks: ["pages"])
      do {
        try await work(node)
      } catch {
        let states = try? await node.containers()
        Issue.record("\(error)\ncontainers: \(states ?? [:])")
      }
      try await node.end()
    }

    private func work(_ node: EngineNode) async throws {
      try await node.apply()
      try await write("old", node)
      try await node.agent(["snapshot", "create", "one", "pages"])
      try await node.agent(["snapshot", "create", "two", "pages"])
      try await write("new", node)
      let began = try await started(node)
      let refused = try await node.agent(["snapshot", "rollback", "pages", "one", "--yes"], isChecked: false)
      #expect(refused.code == 1)
      #expect(refused.standardError.contains("tank/appdata/pages@manual.pages.two"), "\(refused)")
      try await node.agent(["backup", "init", "--configuration", node.configuration])
      try await node.agent(["backup", "recover", "--configuration", node.configuration])
      try await node.apply()
      #expect(try await started(node) == began)
      #expect(try await read(node) == "new\n")

      try await node.agent(["snapshot", "destroy", "pages", "two"])
      try await node.agent(["snapshot", "rollback", "pages", "one", "--yes"])
      #expect(try await read(node) == "old\n")
      try await node.agent(["snapshot", "destroy", "pages", "one"])
      try await write("newest", node)
      try await standstill(node)
      #expect(try await read(node) == "newest\n")
    }

    /// An apply in the middle of a backup's stop waits until the snapshot is made.
    private func standstill(_ node: EngineNode) async throws {
      let journal = "/var/lib/bootstead/backup/pages/journal.json"
      let script = """
        "$@" & run=$!
        until grep -Eqs '"step" : "stop"' \(journal); do sleep 0.02; kill -0 $run || exit 9; done
        sleep 0.3
        \(EngineNode.agent) stacks apply --json --configuration \(node.set) --backup \(node.configuration) || exit 8
        # A snapshot was made, and services run again, when it is through.
        grep -Eqs '"step" : "(mount|create|drop|prune|check)"' \(journal) || ! kill -0 $run || exit 7
        wait $run
        """
      let output = try await node.run(
        "bash",
        ["-c", script, "bash", EngineNode.agent, "backup", "run", "copies", "--configuration", node.configuration],
        isChecked: false)
      #expect(output.code == 0, "\(output)")
      #expect(try await node.containers() == ["pages-clock": "running", "pages-server": "running (healthy)"])
      #expect(try await node.leftovers() == [])
    }

    private func write(_ text: String, _ node: EngineNode) async throws {
      _ = try await node.inside("pages-server", ["sh", "-c", "echo \(text) >/pages/text"])
    }

    private func read(_ node: EngineNode) async throws -> String {
      try await node.inside("pages-server", ["cat", "/pages/text"])
    }

    private func started(_ node: EngineNode) async throws -> String {
      try await node.run("docker", ["inspect", "--format", "{{.State.StartedAt}}", "pages-server-1", "pages-clock-1"])
        .standardOutput
    }
  }
}
