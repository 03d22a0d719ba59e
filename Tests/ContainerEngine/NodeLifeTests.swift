import Foundation
import NodeWork
import ProgramRunner
import Testing

/// Everything that runs containers here, one test after the other: they share the engine.
@Suite("With a real container engine", .serialized)
enum RealEngine {}

extension RealEngine {
  @Suite("A node's stacks", .enabled(if: EngineNode.isPossible, "Scripts/with-container-engine runs it"))
  struct NodeLifeTests {
    @Test(
      "come up healthy, are backed up while they write, and come back from the repositories after their disk is lost")
    func life() async throws {
      let node = try await EngineNode(stacks: ["caddy-hub", "ledger", "pages", "shelf"])
      do {
        try await comeUp(node)
        try await verbs(node)
        try await failure(node)
        let page = try await page(node)
        try await backUp(node)
        try await lose(node)
        try await restore(node, page)
      } catch {
        let states = try? await node.containers()
        Issue.record("\(error)\ncontainers: \(states ?? [:])")
      }
      try await node.end()
    }

    private func comeUp(_ node: EngineNode) async throws {
      #expect(try outcomes(await node.apply().standardOutput).allSatisfy { $0.action == .started })
      let states = try await node.containers()
      #expect(
        states == [
          "caddy-hub-caddy": "running (healthy)", "ledger-database": "running (healthy)", "ledger-writer": "running",
          "pages-clock": "running", "pages-server": "running (healthy)", "shelf-store": "running (healthy)",
        ])
      // The secret came by the environment, dollar sign and all, and the one in a file is for its user alone.
      let digest = try await node.run("sha256sum", [], input: "a token with $ and \"").standardOutput.prefix(64)
      #expect(try await page(node).contains("greetings \(digest)"))
      #expect(
        try await node.inside("ledger-database", ["stat", "-c", "%u %a", "/run/secrets/DB_PASSWORD"]) == "999 400\n")
      for name in ["ledger", "pages"] {
        let compose = try String(contentsOfFile: "/srv/stacks/\(name)/compose.yaml", encoding: .utf8)
        #expect(!compose.contains("a token") && !compose.contains("correct horse"))
      }
      #expect(try outcomes(await node.apply().standardOutput).allSatisfy { $0.action == .unchanged })
    }

    /// By the hub, with a certificate of its own authority.
    private func page(_ node: EngineNode, _ name: String = "pages.lab.example") async throws -> String {
      try await node.run(
        "curl",
        [
          "--silent", "--show-error", "--fail", "--cacert",
          "/srv/appdata/caddy-hub/data/caddy/pki/authorities/local/root.crt", "--resolve",
          "\(name):443:127.0.0.1", "https://\(name)/",
        ]
      ).standardOutput
    }

    private func verbs(_ node: EngineNode) async throws {
      try await node.agent(["stacks", "stop", "pages"])
      #expect(try await node.containers()["pages-server"] == "exited")
      #expect(try outcomes(await node.apply().standardOutput).first { $0.stack == "pages" }?.action == .stopped)
      #expect(try await node.containers()["pages-server"] == "exited")
      try await node.agent(["stacks", "start", "pages"])
      #expect(try await node.containers()["pages-server"]?.hasPrefix("running") == true)
      try await node.agent(["stacks", "stop", "ledger/writer"])
      #expect(try await node.containers()["ledger-writer"] == "exited")
      #expect(try await node.containers()["ledger-database"] == "running (healthy)")
      try await node.agent(["stacks", "start", "ledger/writer"])
      try await node.agent(["stacks", "restart", "shelf/store"])
      #expect(try await node.agent(["stacks", "logs", "pages/server"]).standardOutput.contains("serving"))
      #expect(try await node.agent(["stacks", "stats", "shelf"]).standardOutput.contains("shelf-store-1"))
      try await node.agent(["stacks", "down", "shelf"])
      #expect(try await node.containers()["shelf-store"] == nil)
      try await node.agent(["stacks", "up", "shelf"])
      #expect(try await node.containers()["shelf-store"] == "running (healthy)")
      // A changed file of configuration reaches the program that reads it.
      try await node.compile(pagesHost: "other.lab.example")
      #expect(try outcomes(await node.apply().standardOutput).first { $0.stack == "caddy-hub" }?.action == .started)
      #expect(try await node.inside("caddy-hub-caddy", ["cat", "/etc/caddy/Caddyfile"]).contains("other.lab.example"))
      #expect(try await page(node, "other.lab.example").contains("greetings"))
      try await node.compile()
      try await node.apply()
    }

    /// A stack whose image can not be had is named, and the others run.
    private func failure(_ node: EngineNode) async throws {
      try node.edit("pages/compose.yaml", "lab/box:1.0", "lab/box:1.1")
      try await node.compile()
      let output = try await node.apply(isChecked: false)
      #expect(output.code == 1)
      let found = try outcomes(output.standardOutput)
      #expect(found.filter { $0.action == .failed }.map(\.stack) == ["pages"], "\(found)")
      #expect(try await node.containers()["ledger-database"] == "running (healthy)")
      try node.edit("pages/compose.yaml", "lab/box:1.1", "lab/box:1.0")
      try await node.compile()
      #expect(try outcomes(await node.apply().standardOutput).first { $0.stack == "pages" }?.action == .started)
      #expect(try await node.containers()["pages-server"] == "running (healthy)")
    }

    private func backUp(_ node: EngineNode) async throws {
      _ = try await node.inside(
        "ledger-database",
        ["psql", "-U", "ledger", "-d", "ledger", "-c", "insert into entries (account, amount) values ('first', 0)"])
      _ = try await node.inside("shelf-store", ["sh", "-c", "echo kept >/files/kept"])
      try await node.agent(["backup", "init", "--configuration", node.configuration])
      let output = try await node.agent(["backup", "run", "copies", "--json", "--configuration", node.configuration])
      for result in try JSONDecoder.node.decode([BackupResult].self, from: Data(output.standardOutput.utf8)) {
        #expect(result.outcome == .succeeded, "\(result)")
        print("backup of \(result.stack): services stood still for \(result.downtimeSeconds ?? 0) s")
        #expect((result.downtimeSeconds != nil) == ["caddy-hub", "pages", "shelf"].contains(result.stack))
      }
      #expect(try await node.leftovers() == [])
    }

    private func lose(_ node: EngineNode) async throws {
      try await node.loseDisk()
      try await node.makePool()
      // The machine is made anew: its agent knows nothing.
      try await node.run("rm", ["-r", "-f", "/var/lib/bootstead"])
      try await node.apply()
      #expect(try await node.inside("ledger-database", Self.count) == "0\n")
    }

    private static let count = [
      "psql", "-U", "ledger", "-d", "ledger", "-Atc", "select count(*) from entries where account = 'first'",
    ]

    private func restore(_ node: EngineNode, _ page: String) async throws {
      for stack in node.stacks {
        let output = try await node.agent(["backup", "restore", stack, "--json", "--configuration", node.configuration])
        #expect(output.standardOutput.contains(#""isVerified" : true"#), "\(stack): \(output.standardOutput)")
      }
      #expect(try await node.inside("ledger-database", Self.count) == "1\n")
      #expect(try await self.page(node) == page)
      #expect(try await node.inside("shelf-store", ["cat", "/files/kept"]) == "kept\n")
      #expect(try await node.leftovers() == [])
    }

    private func outcomes(_ text: String) throws -> [StackOutcome] {
      try JSONDecoder().decode([StackOutcome].self, from: Data(text.utf8))
    }
  }
}

extension JSONDecoder {
  /// For what the agent prints with `--json`.
  static var node: JSONDecoder {
    let decoder = JSONDecoder()
    decoder.dateDecodingStrategy = .iso8601
    return decoder
  }
}
