import AgentProtocol
import ProgramRunner

/// Carries out the appliance's tasks on a node: one at a time, in order, each at most once. The agent's own program does
/// the work as a child, so that reports go on meanwhile.
public actor NodeTasks {
  /// This very program, also where its file was replaced since.
  public static let ownProgram = "/proc/self/exe"

  private let root: String
  private let runner: any CommandRunner
  private let program: String
  private let log: AgentLog
  private var journal: TaskJournal
  /// What was carried out before is not known, so the next task may be one that comes again.
  private var isForgetful: Bool
  private let arrivals = Bell()
  /// Rings when a task has ended.
  package nonisolated let ends = Bell()

  /// - Parameters:
  ///   - root: before every path that is read or written.
  ///   - program: `bootstead-agent`.
  public init(
    root: String = "", runner: any CommandRunner = SubprocessRunner(), program: String = NodeTasks.ownProgram,
    log: AgentLog
  ) {
    self.root = root
    self.runner = runner
    self.program = program
    self.log = log
    let found = TaskJournal.load(root: root)
    isForgetful = found == nil
    var journal = found ?? TaskJournal()
    if isForgetful {
      log.say("tasks: \(TaskJournal.path) is damaged: what the appliance sends may have been carried out")
    }
    for index in journal.entries.indices where journal.entries[index].report.state == .running {
      log.say("tasks: \(journal.entries[index].order.identifier) was interrupted; it is not begun again")
      journal.entries[index].report.state = .interrupted
      journal.entries[index].report.reason = "the agent or the machine ended while it ran"
    }
    self.journal = journal
  }

  /// For the next report.
  package var reports: [NodeTaskReport] { journal.entries.map(\.report) }

  /// A task runs, or waits to run.
  package var isBusy: Bool { journal.entries.contains { !$0.report.state.isFinal } }

  /// Takes a task, unless it is known already.
  /// - Returns: whether it will be carried out.
  package func accept(_ order: NodeTaskOrder) -> Bool {
    guard !journal.entries.contains(where: { $0.order.identifier == order.identifier }) else {
      // It may wait for room to write the journal.
      arrivals.ring()
      return false
    }
    var report = NodeTaskReport(identifier: order.identifier, state: .accepted)
    if journal.done.contains(order.identifier) {
      report.state = .interrupted
      report.reason = "this node has told before how this task ended, and does not begin it again"
    } else if order.task == nil {
      report.state = .failed
      report.reason = "this node's agent does not know this task: give the node a newer system"
    } else if isForgetful {
      report.state = .interrupted
      report.reason = "the node's record of its tasks was damaged: it may have been carried out before"
    }
    journal.entries.append(TaskJournal.Entry(order: order, report: report))
    guard save() else {
      // Not on the disk, so not taken: it comes again.
      journal.entries.removeLast()
      return false
    }
    isForgetful = false
    arrivals.ring()
    return report.state == .accepted
  }

  /// The appliance has answered a report with these: it has the ends that were in it.
  package func acknowledge(_ told: [NodeTaskReport]) {
    let ended = Set(told.filter(\.state.isFinal).map(\.identifier))
    let gone = journal.entries.filter { ended.contains($0.order.identifier) && $0.report.state.isFinal }
    guard !gone.isEmpty else { return }
    journal.entries.removeAll { entry in gone.contains { $0.order.identifier == entry.order.identifier } }
    journal.done.removeAll { ended.contains($0) }
    journal.done = (journal.done + gone.map(\.order.identifier)).suffix(TaskJournal.doneLimit)
    _ = save()
  }

  /// Carries out what was accepted, until it is cancelled.
  package func work() async throws {
    while true {
      try Task.checkCancellation()
      guard let index = journal.entries.firstIndex(where: { $0.report.state == .accepted }),
        let task = journal.entries[index].order.task
      else {
        await arrivals.wait()
        continue
      }
      journal.entries[index].report.state = .running
      // From here on it counts as begun, whatever happens.
      guard save() else {
        journal.entries[index].report.state = .accepted
        await arrivals.wait()
        continue
      }
      let order = journal.entries[index].order
      let report = try await carryOut(task, order)
      if let index = journal.entries.firstIndex(where: { $0.order.identifier == order.identifier }) {
        journal.entries[index].report = report
      }
      _ = save()
      ends.ring()
    }
  }

  private func carryOut(_ task: NodeTask, _ order: NodeTaskOrder) async throws -> NodeTaskReport {
    let arguments = task.arguments(asJSON: order.wantsJSON)
    log.say("tasks: \(order.identifier): bootstead-agent \(arguments.joined(separator: " "))")
    var command = Command(program, arguments, timeout: task.timeLimit)
    if !root.isEmpty {
      command.arguments += ["--state", root + "/var/lib/bootstead", "--runtime", root + "/run/bootstead"]
    }
    // Whatever it says is told.
    command.acceptedCodes = Set(0...255)
    var report = NodeTaskReport(identifier: order.identifier, state: .failed)
    var (output, messages) = ("", "")
    do {
      let ended = try await runner.run(command)
      report.state = ended.code == 0 ? .succeeded : .failed
      report.exitCode = Int(ended.code)
      (output, messages) = (ended.standardOutput, ended.standardError)
    } catch {
      // The agent ends: the journal says that it ran.
      try Task.checkCancellation()
      report.reason =
        switch error.ending {
        case .timedOut(let limit): "it did not end within \(limit), and was ended"
        case .signal(let number): "it was ended by signal \(number)"
        case .exited(let code): "it ended with code \(code)"
        case .failed(let reason): "it could not be run to its end: \(reason)"
        }
      messages = error.lastLines.joined(separator: "\n")
    }
    let filter = SecretFilter(root: root)
    (output, messages) = (filter.filter(output), filter.filter(messages))
    report.output = NodeTaskReport.tail(output, limit: NodeTaskReport.outputLimit)
    report.messages = NodeTaskReport.tail(messages, limit: NodeTaskReport.messageLimit)
    report.reason = report.reason.map(filter.filter)
    report.isCut = report.output != output || report.messages != messages ? true : nil
    log.say("tasks: \(order.identifier) \(report.state.rawValue)")
    return report
  }

  private func save() -> Bool {
    do {
      try journal.save(root: root)
      return true
    } catch {
      log.say("tasks: \(error)")
      return false
    }
  }
}
