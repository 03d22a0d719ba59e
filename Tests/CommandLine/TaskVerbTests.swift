import AgentProtocol
import Foundation
import Lab
import Testing

@Suite(
  "Asking running nodes on the command line",
  .enabled(if: ApplianceProcess.isPossible, "needs root and a built bootstead"), .timeLimit(.minutes(10)))
struct TaskVerbTests {
  static let agent = ApplianceProcess.binaries + "/bootstead-agent"
  static let hasAgent = ApplianceProcess.isPossible && FileManager.default.isExecutableFile(atPath: agent)

  private func run(_ appliance: ApplianceProcess, _ arguments: [String]) async throws -> ApplianceProcess.Ended {
    // What comes on standard input is no answer.
    try await ApplianceProcess.run(
      ApplianceProcess.program, arguments, input: "yes\n", environment: ["BOOTSTEAD_SOCKET": appliance.socket()])
  }

  @Test("what is refused ends with the code that says why, and with what to do; nothing is queued")
  func refusals() async throws {
    try await withAppliance { appliance in
      try await RebuildVerbTests().install(in: appliance.data())
      try await appliance.serving {
        for (status, arguments, mention) in [
          (64, ["stack", "up", "node1", "--", "-x"], "stack's name"), (64, ["stack", "up", "node1", "a b"], "a-z"),
          (64, ["stack", "up"], "machine"), (64, ["stack", "logs", "node1", "photos", "--lines", "1001"], "1 to 1000"),
          (64, ["snapshot", "create", "node1", "a/b"], "snapshot's name"),
          (64, ["backup", "run", "node1", "../x"], "plan's name"), (64, ["backup", "check", "node1"], "stacks"),
          (64, ["stack", "ps", "node1", "--timeout", "0"], "--timeout"),
          (4, ["stack", "up", "none"], "none"), (4, ["snapshot", "rollback", "none", "photos", "a", "--yes"], "none"),
          (4, ["task", "show", "none"], "none"), (4, ["task", "cancel", "none"], "none"),
          (4, ["task", "list", "none"], "none"),
          (64, ["stack", "logs", "node1", "photos", "--follow", "--no-wait"], "--follow"),
          (64, ["stack", "move", "photos", "--from", "node1"], "--to"),
          (4, ["stack", "move", "photos", "--from", "node1", "--to", "none", "-f", "."], "none"),
          (64, ["cluster", "kubeconfig", "home"], "-o FILE"),
          (64, ["cluster", "kubeconfig", "home", "--recipient", "age1x"], "recipient"),
          (4, ["cluster", "drain", "node1"], "declaration"), (4, ["cluster", "uncordon", "none"], "none"),
          (5, ["snapshot", "rollback", "node1", "photos", "a"], "--yes"),
          (5, ["snapshot", "destroy", "node1", "photos", "a", "--json"], "--yes"),
          (5, ["backup", "restore", "node1", "photos", "--no-wait"], "--yes"),
        ] as [(Int32, [String], String)] {
          let ended = try await run(appliance, arguments)
          #expect(ended.status == status && ended.errors.contains(mention), "\(arguments): \(ended)")
        }
        #expect(try await run(appliance, ["task", "list", "--json"]).json as? [String] == [])
        #expect(try await run(appliance, ["task", "list"]).output.contains("no tasks yet"))
        _ = try await run(appliance, ["machine", "add", "--mac", "52:54:00:00:00:09", "--name", "new"])
        let early = try await run(appliance, ["storage", "show", "new"])
        #expect(early.status == 1 && early.errors.contains("armed"), "\(early)")
      }
    }
  }

  @Test("every verb queues its task; one is shown, listed and taken back; a silent node ends the wait with 6")
  func verbs() async throws {
    try await withAppliance { appliance in
      try await RebuildVerbTests().install(in: appliance.data())
      try await appliance.serving {
        let all = [
          ["stack", "apply", "node1"], ["stack", "up", "node1"], ["stack", "down", "node1", "photos"],
          ["stack", "start", "node1", "photos/server"], ["stack", "stop", "node1", "photos"],
          ["stack", "restart", "52:54:00:00:00:01", "photos"], ["stack", "logs", "node1", "photos/server"],
          ["stack", "stats", "node1", "photos"], ["stack", "ps", "node1"], ["stack", "ps", "node1", "photos"],
          ["storage", "show", "node1"], ["snapshot", "create", "node1", "before", "photos"],
          ["snapshot", "list", "node1"], ["snapshot", "rollback", "node1", "photos", "before", "--yes"],
          ["snapshot", "destroy", "node1", "photos", "before", "--yes"], ["backup", "run", "node1", "daily", "photos"],
          ["backup", "archives", "node1", "photos", "--plan", "daily"],
          ["backup", "check", "node1", "photos", "--verify-data"], ["backup", "coverage", "node1"],
          ["backup", "recover", "node1"], ["backup", "restore", "node1", "photos", "--archive", "x-1", "--yes"],
          ["backup", "test-restore", "node1"],
        ]
        for (number, arguments) in all.enumerated() {
          let ended = try await run(appliance, arguments + ["--no-wait"] + (number % 2 == 0 ? ["--json"] : []))
          #expect(ended.status == 0, "\(arguments): \(ended)")
          if number % 2 == 0 {
            #expect((ended.json as? [String: Any])?["state"] as? String == "queued", "\(ended)")
          } else {
            #expect(ended.output.contains("bootstead task show "), "\(ended)")
          }
        }
        let tasks = try #require(
          try await run(appliance, ["task", "list", "node1", "--json"]).json as? [[String: Any]])
        #expect(tasks.count == all.count && tasks.last?["task"] as? String == "stack apply")
        #expect(tasks.first?["task"] as? String == "backup test-restore")
        let newest = try #require(tasks.first?["identifier"] as? String)
        let shown = try await run(appliance, ["task", "show", newest])
        #expect(shown.status == 0 && shown.output.contains("state     queued"), "\(shown)")
        #expect(try await run(appliance, ["task", "cancel", newest]).output.contains("is cancelled"))
        let again = try await run(appliance, ["task", "cancel", newest])
        #expect(again.status == 1 && again.errors.contains("ended already"), "\(again)")
        let why = try await run(appliance, ["why", "node1"])
        #expect(why.output.contains("'backup test-restore' (task \(newest)): cancelled"), "\(why)")

        let silent = try await run(appliance, ["storage", "show", "node1", "--timeout", "1"])
        #expect(silent.status == 6 && silent.errors.contains("bootstead task cancel "), "\(silent)")
      }
    }
  }

  /// A node whose key the test knows, below `root`.
  private func install(_ appliance: ApplianceProcess, root: String) async throws {
    let node = try await RebuildVerbTests().install(in: appliance.data())
    let key = try #require(FileManager.default.contents(atPath: appliance.data() + "/appliance.key"))
    let secret = try #require(Data(base64Encoded: key))
    let configuration = NodeConfiguration(
      applianceURL: "http://192.0.2.1:8080", appliancePublicKey: try SigningPrivateKey(secretBytes: secret).publicKey,
      machineName: "node1")
    let folder = root + "/var/lib/bootstead"
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    try Data(MessageCoder.encode(configuration)).write(to: URL(fileURLWithPath: root + NodeConfiguration.path))
    try Data(Data(node.secretBytes).base64EncodedString().utf8)
      .write(to: URL(fileURLWithPath: root + NodeConfiguration.keyPath))
  }

  @Test(
    "the real agent of a node does what it is asked, and its answer and its code come back",
    .enabled(if: hasAgent, "needs a built bootstead-agent"))
  func realAgent() async throws {
    try await withAppliance { appliance in
      let root = appliance.folder.path + "/node"
      try FileManager.default.createDirectory(atPath: appliance.data(), withIntermediateDirectories: true)
      // The appliance's key has to be there before its first start.
      try Data(Data(SigningPrivateKey().secretBytes).base64EncodedString().utf8)
        .write(to: URL(fileURLWithPath: appliance.data() + "/appliance.key"))
      try await install(appliance, root: root)
      try await appliance.serving {
        let queued = try await run(appliance, ["stack", "ps", "node1", "--no-wait", "--json"])
        let identifier = try #require((queued.json as? [String: Any])?["identifier"] as? String)
        let agent = try await LabProcess.start(
          ApplianceProcess.ip, ["netns", "exec", appliance.namespace, Self.agent, "report", "--stay", "--root", root],
          logPath: appliance.folder.path + "/agent.log")
        // No stacks were applied: code 4, and why.
        let ended = try await run(appliance, ["stack", "up", "node1", "photos"])
        #expect(ended.status == 4 && ended.errors.contains("no stacks were applied"), "\(ended)")
        #expect(ended.errors.contains("'stack up photos' on node1: failed with 4"), "\(ended)")
        let first = try await run(appliance, ["task", "show", identifier, "--json"]).json as? [String: Any]
        #expect(first?["state"] as? String == "failed" && first?["exitCode"] as? Int == 4, "\(first ?? [:])")
        await agent.stop(signal: SIGKILL)
      }
    }
  }
}
