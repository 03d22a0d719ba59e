import AgentProtocol
import Foundation
import NodeAgent
import ProgramRunner
import Synchronization
import Testing

@Suite("Alarms in a node's reports", .timeLimit(.minutes(5)))
struct NodeAlarmWatchTests {
  /// Answers in turn, the last one again and again.
  final class Answers: CommandRunner {
    private let left: Mutex<[Result<CommandOutput, CommandFailure>]>
    /// Whether the answer that was given may be followed by another.
    private let isOver: @Sendable () -> Bool
    let seen = Mutex<[Command]>([])

    init(_ answers: [Result<CommandOutput, CommandFailure>], isOver: @escaping @Sendable () -> Bool = { true }) {
      left = Mutex(answers)
      self.isOver = isOver
    }

    func run(_ command: Command) async throws(CommandFailure) -> CommandOutput {
      seen.withLock { $0.append(command) }
      let isOver = isOver()
      let answer = left.withLock { $0.count > 1 && isOver ? $0.removeFirst() : $0.first }
      return try answer?.get() ?? CommandOutput()
    }
  }

  private static func json(_ alarms: [NodeAlarm]) throws -> Result<CommandOutput, CommandFailure> {
    .success(
      CommandOutput(
        standardOutput: String(decoding: try MessageCoder.encode(alarms), as: UTF8.self), code: alarms.isEmpty ? 0 : 1))
  }

  @Test("The node's reports carry what its program found, and hear when it is over")
  func reported() async throws {
    let scene = try TaskScene()
    let alarm = NodeAlarm(subject: "pool data/thin: data", text: "the pool data/thin is full to 81.0 %")
    // It lasts until a report has told of it: looks may follow each other faster than reports.
    let runner = Answers([try Self.json([alarm]), try Self.json([])]) { [appliance = scene.appliance] in
      appliance.read(\.nodeReports).contains { $0.alarms == [alarm] }
    }
    try await scene.stay(GatedRunner(), alarms: runner) { appliance in
      let reports = appliance.read(\.nodeReports).map(\.alarms)
      return reports.contains([alarm]) && reports.last == []
    }
    let reports = scene.appliance.read(\.nodeReports).compactMap(\.alarms)
    #expect(reports.first == [alarm])
    #expect(runner.seen.withLock { $0.first?.arguments.prefix(2) } == ["alarms", "--json"])
  }

  @Test(
    "A program that does not answer, or says what nobody can read, is an alarm itself",
    arguments: [
      (.failure(CommandFailure(command: "agent", ending: .timedOut(.seconds(600)))), "may hang"),
      (.failure(CommandFailure(command: "agent", ending: .exited(64))), "code 64"),
      (.success(CommandOutput(standardOutput: "alarm!", code: 1)), "can not be read"),
    ] as [(Result<CommandOutput, CommandFailure>, String)])
  func unreadable(answer: Result<CommandOutput, CommandFailure>, mention: String) async throws {
    let folder = try TemporaryFolder()
    let watch = NodeAlarmWatch(root: folder.path, runner: Answers([answer]), program: "agent", log: AgentLog { _ in })
    #expect(await watch.known == nil)
    try await watch.look()
    let known = try #require(await watch.known)
    #expect(known.map(\.subject) == ["alarms"])
    #expect(known.first?.text.contains(mention) == true)
  }

  @Test("It is said once when one begins, and once when it ends; secrets are in none of it")
  func said() async throws {
    let folder = try TemporaryFolder()
    try folder.write("correct horse battery", to: "/run/bootstead/secrets/borg")
    let lines = Mutex<[String]>([])
    let first = NodeAlarm(subject: "run", text: "borg said correct horse battery, 1 time")
    let second = NodeAlarm(subject: "run", text: "borg said correct horse battery, 2 times")
    let runner = Answers([try Self.json([first]), try Self.json([second]), try Self.json([])])
    let watch = NodeAlarmWatch(
      root: folder.path, runner: runner, program: "agent", log: AgentLog { line in lines.withLock { $0.append(line) } })
    for _ in 0..<4 { try await watch.look() }
    let said = lines.withLock { $0 }
    #expect(said.count == 2 && !said.joined().contains("horse"), "\(said)")
    #expect(said.last?.contains("no alarm any more") == true)
  }
}
