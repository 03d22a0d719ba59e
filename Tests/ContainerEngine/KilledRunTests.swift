import Foundation
import ProgramRunner
import SeededNumbers
import Testing

extension RealEngine {
  @Suite("Backup runs that are killed", .enabled(if: EngineNode.isPossible, "Scripts/with-container-engine runs it"))
  struct KilledRunTests {
    /// What comes after the kill: each of them cleans up.
    enum NextStart: CaseIterable { case apply, recover, run }

    /// How many runs are killed at random: `SOAK_KILLS`, as `make soak` sets it; two in a quick run.
    static var rounds: Int { EngineNode.variable("SOAK_KILLS").flatMap { Int($0) } ?? 2 }

    /// Where a kill is hardest to take back, and how long after that step has begun: the engine goes on with a stop whose
    /// caller is gone. The server of the pages takes three seconds to stop.
    static let hardest: [(stack: String, step: String, Duration)] = [
      ("pages", "stop", .milliseconds(1500)), ("pages", "start", .milliseconds(200)),
      ("shelf", "snapshot", .milliseconds(50)), ("ledger", "create", .milliseconds(200)),
    ]

    /// In their order, as far as there is something to be killed.
    private static let steps = ["stop", "snapshot", "start", "mount", "create", "prune"]

    @Test("leave no snapshot, no mount, no lock and no stopped service behind after the next start")
    func killed() async throws {
      let node = try await EngineNode(stacks: ["ledger", "pages", "shelf"])
      do {
        try await node.apply()
        try await node.agent(["backup", "init", "--configuration", node.configuration])
        for (stack, step, delay) in Self.hardest {
          let journal = "/var/lib/bootstead/backup/\(stack)/journal.json"
          // A short step may be over before it is seen.
          let steps = Self.steps.drop { $0 != step }.joined(separator: "|")
          let wasKilled = try await isKilled(node, stack, delay, journal, steps)
          #expect(wasKilled, "the run of \(stack) had ended before")
          try await start(node, stack, .recover, "\(stack) at '\(step)'")
        }
        try await killAtRandom(node)
      } catch {
        Issue.record("\(error)")
      }
      try await node.end()
    }

    private func killAtRandom(_ node: EngineNode) async throws {
      let seed = EngineNode.variable("BOOTSTEAD_SEED").flatMap { UInt64($0) } ?? .random(in: 0..<1_000_000_000)
      print("BOOTSTEAD_SEED=\(seed)")
      var generator = SeededGenerator(seed: seed)
      // How long a whole run takes, by stack: measured, as it differs by machine and load.
      var whole: [String: Duration] = [:]
      var killed = 0
      for round in 0..<Self.rounds {
        let stack = node.stacks[round % node.stacks.count]
        if round % 60 < node.stacks.count {
          let begun = ContinuousClock.now
          try await run(node, stack)
          whole[stack] = ContinuousClock.now - begun
        }
        let delay = generator.duration(upTo: whole[stack] ?? .zero)
        let next = NextStart.allCases.randomElement(using: &generator) ?? .apply
        if try await isKilled(node, stack, delay) { killed += 1 }
        try await start(node, stack, next, "round \(round): \(stack), killed after \(delay), then \(next)")
        if round % 50 == 49 { print("\(round + 1) rounds, \(killed) runs killed") }
      }
      print("\(killed) of \(Self.rounds) runs were killed at random, and left nothing behind")
    }

    /// - Returns: false where the run had ended before.
    private func isKilled(
      _ node: EngineNode, _ stack: String, _ delay: Duration, _ journal: String = "-", _ steps: String = "-"
    ) async throws -> Bool {
      let milliseconds = delay.components.seconds * 1000 + delay.components.attoseconds / 1_000_000_000_000_000
      let seconds = "\(milliseconds / 1000).\(String(milliseconds % 1000 + 1000).dropFirst())"
      let command = [
        EngineNode.agent, "backup", "run", "copies", "--stack", stack, "--configuration", node.configuration,
      ]
      let output = try await node.run(
        EngineNode.own + "/kill-at", [seconds, journal, steps] + command, isChecked: false)
      #expect([0, 137].contains(output.code), "\(output)")
      return output.code == 137
    }

    private func run(_ node: EngineNode, _ stack: String) async throws {
      try await node.agent(["backup", "run", "copies", "--stack", stack, "--configuration", node.configuration])
    }

    private func start(_ node: EngineNode, _ stack: String, _ next: NextStart, _ comment: String) async throws {
      switch next {
      case .apply: try await node.apply()
      case .recover: try await node.agent(["backup", "recover", "--configuration", node.configuration])
      case .run: try await run(node, stack)
      }
      #expect(try await node.leftovers() == [], "\(comment)")
      guard stack == "pages" else { return }
      // A stop that the engine was still busy with has shown by now.
      try await Task.sleep(for: .seconds(3.5))
      #expect(try await node.leftovers() == [], "\(comment), some time later")
    }
  }
}
