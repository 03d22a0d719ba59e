import AgentProtocol
import Fleet
import Foundation
import Testing

@Suite(
  "Moving a stack on the command line",
  .enabled(if: ApplianceProcess.isPossible, "needs root and a built bootstead"), .timeLimit(.minutes(10)))
struct StackMoveVerbTests {
  /// A node that reports to the appliance's registry.
  private struct Node {
    var name: String
    var key: SigningPrivateKey
    var fleet: Fleet
    var closure = RebuildVerbTests.closure
    var counter: UInt64 = 1

    mutating func report(_ tasks: [NodeTaskReport] = []) async throws -> NodeTaskOrder? {
      counter += 1
      let request = try SignedRequest.sign(
        method: "POST", path: "/", body: [], session: SessionIdentifier(node: key.publicKey), counter: counter, key: key
      )
      return try await fleet.report(
        NodeReport(
          machineName: name, nodeKey: key.publicKey, closure: closure, kernel: "6", bootIdentifier: "b", uptime: 1,
          tasks: tasks), signed: request
      ).task
    }

    /// Carries out what it is asked, until nothing is asked any more.
    mutating func work(output: String? = nil) async throws -> [NodeTask?] {
      var done: [NodeTask?] = []
      var told: [NodeTaskReport] = []
      for _ in 0..<6 {
        guard let order = try await report(told) else {
          told = []
          continue
        }
        done.append(order.task)
        var report = NodeTaskReport(identifier: order.identifier, state: .succeeded)
        (report.exitCode, report.output) = (0, output)
        told = [report]
      }
      return done
    }
  }

  private func write(_ text: String, to path: String) throws {
    let file = URL(fileURLWithPath: path)
    try FileManager.default.createDirectory(at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
    try Data(text.utf8).write(to: file)
  }

  @Test(
    "a move is shown, consented to, goes on where it was cut off, and is taken back; the files say where the stack is")
  func course() async throws {
    try await withAppliance { appliance in
      let keys = [
        try await RebuildVerbTests().install(in: appliance.data()),
        try await RebuildVerbTests().install(in: appliance.data(), name: "node2", mac: "525400000002"),
      ]
      let folder = appliance.folder.path + "/fleet"
      // It keeps nothing, so that no repository is needed.
      let stack = "flaresolverr"
      try write(#"{"addresses":["52:54:00:00:00:01"],"stacks":["\#(stack)"]}"#, to: folder + "/machines/node1.json")
      try write(#"{"addresses":["52:54:00:00:00:02"]}"#, to: folder + "/machines/node2.json")
      func file(_ name: String) throws -> String {
        try String(contentsOfFile: folder + "/machines/\(name).json", encoding: .utf8)
      }
      try await appliance.serving {
        func move(_ more: String..., from: String = "node1", to: String = "node2") async throws
          -> ApplianceProcess.Ended
        {
          try await ApplianceProcess.run(
            ApplianceProcess.program, ["stack", "move", stack, "--from", from, "--to", to, "-f", folder] + more,
            environment: ["BOOTSTEAD_SOCKET": appliance.socket()])
        }
        let applied = try await appliance.bootstead("apply", "-f", folder, "--yes")
        #expect(applied.status == 0, "\(applied)")
        let fleet = try Fleet(path: appliance.data() + "/fleet.sqlite")
        var first = Node(name: "node1", key: keys[0], fleet: fleet)
        var second = Node(name: "node2", key: keys[1], fleet: fleet)

        let shown = try await move("--dry-run")
        #expect(shown.status == 0, "\(shown)")
        for part in ["\(stack) moves from node1 to node2:", "~ node2"] {
          #expect(shown.output.contains(part), "\(shown)")
        }
        #expect(try await move().status == 5)
        #expect(try await move("--abort").errors.contains("is not on its way"))
        let silent = try await move("--yes", "--timeout", "1")
        #expect(silent.status == 6 && silent.errors.contains("the move goes on"), "\(silent)")
        let standing = try await appliance.bootstead("machine", "show", "node2")
        #expect(standing.output.contains("move       \(stack) from node1 to node2: is being stopped"), "\(standing)")
        #expect(try await first.work() == [.stack(.stop, try StackTarget(stack))])
        #expect(try file("node1").contains(stack) && !file("node2").contains(stack))

        let declared = try await move("--yes", "--json")
        let state = ((declared.json as? [String: Any])?["move"] as? [String: Any])?["state"] as? String
        #expect(declared.status == 0 && state == "waiting", "\(declared)")
        #expect(try !file("node1").contains(stack) && file("node2").contains(stack))
        #expect(try await appliance.bootstead("why", "node1").output.contains("waits for node2 to run its new system"))
        second.closure += "-2"
        #expect(try await second.work(output: #"[{"stack":"\#(stack)","action":"started"}]"#) == [.applyStacks])
        let runs = try await move()
        #expect(runs.status == 0 && runs.output.contains("runs on node2"), "\(runs)")
        first.closure += "-1"
        #expect(try await first.work() == [])
        #expect(try await move("--yes").errors.contains("node1 has no stack '\(stack)'"))

        // Back, and then not.
        #expect(try await move("--yes", "--timeout", "1", from: "node2", to: "node1").status == 6)
        let aborted = try await move("--abort", from: "node2", to: "node1")
        #expect(aborted.status == 0 && aborted.output.contains("was taken back"), "\(aborted)")
        #expect(try await second.work() == [.stack(.start, try StackTarget(stack))])
        #expect(try file("node2").contains(stack))
        try fleet.close()
      }
    }
  }
}
