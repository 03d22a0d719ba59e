import AgentProtocol
import ProgramRunner

/// Looks again and again for what is to be seen to on this node. The agent's own program does it as a child, so that a
/// disk that hangs holds no report up.
public actor NodeAlarmWatch {
  /// Between two looks.
  public static let interval: Duration = .seconds(900)
  /// Of one look.
  static let timeLimit: Duration = .seconds(600)

  private let root: String
  private let runner: any CommandRunner
  private let program: String
  private let log: AgentLog
  private let pause: @Sendable (Duration) async throws -> Void
  /// What was found last; nil before the first look.
  package private(set) var known: [NodeAlarm]?
  /// Rings when something else was found than before.
  package nonisolated let changes = Bell()
  /// Ask for a look before the interval is over.
  package nonisolated let requests = Bell()

  /// - Parameters:
  ///   - root: before every path that is read.
  ///   - program: `bootstead-agent`.
  public init(
    root: String = "", runner: any CommandRunner = SubprocessRunner(), program: String = NodeTasks.ownProgram,
    log: AgentLog, pause: @escaping @Sendable (Duration) async throws -> Void = { try await Task.sleep(for: $0) }
  ) {
    self.root = root
    self.runner = runner
    self.program = program
    self.log = log
    self.pause = pause
  }

  /// Looks until it is cancelled.
  package func work() async throws {
    while true {
      try await look()
      try await withThrowingTaskGroup(of: Void.self) { group in
        group.addTask { [pause] in try await pause(Self.interval) }
        group.addTask { [requests] in await requests.wait() }
        defer { group.cancelAll() }
        try await group.next()
      }
      try Task.checkCancellation()
    }
  }

  /// Looks once. What could not be looked at is an alarm, too.
  /// - Throws: when it is cancelled.
  package func look() async throws {
    let found = try await find()
    guard found != known else { return }
    let before = Set((known ?? []).map(\.subject))
    let after = Set(found.map(\.subject))
    for alarm in found where !before.contains(alarm.subject) { log.say("alarm: \(alarm.text)") }
    for alarm in known ?? [] where !after.contains(alarm.subject) { log.say("no alarm any more: \(alarm.text)") }
    known = found
    changes.ring()
  }

  private func find() async throws -> [NodeAlarm] {
    var command = Command(program, ["alarms", "--json"], timeout: Self.timeLimit)
    if !root.isEmpty {
      command.arguments += [
        "--state", root + "/var/lib/bootstead", "--runtime", root + "/run/bootstead", "--configuration",
        root + "/etc/bootstead/backup.json",
      ]
    }
    // 1: there are some.
    command.acceptedCodes = [0, 1]
    let subject = "alarms"
    do {
      let output = try await runner.run(command)
      let filter = SecretFilter(root: root)
      let found = try MessageCoder.decode([NodeAlarm].self, from: Array(output.standardOutput.utf8))
      return NodeAlarm.bounded(
        found.map { NodeAlarm(subject: filter.filter($0.subject), text: filter.filter($0.text)) })
    } catch let failure as CommandFailure {
      try Task.checkCancellation()
      let why =
        switch failure.ending {
        case .timedOut(let limit): "no answer came within \(limit): a disk or a network mount may hang"
        case .exited(let code): "it ended with code \(code)"
        case .signal(let number): "it was ended by signal \(number)"
        case .failed(let reason): reason
        }
      return [
        NodeAlarm(subject: subject, text: "this node's storage and backups could not be looked at: \(why)")
      ]
    } catch {
      return [
        NodeAlarm(subject: subject, text: "what 'bootstead-agent alarms' says can not be read: \(error)")
      ]
    }
  }
}
