import AgentProtocol
import Foundation
import GRDB

extension Fleet {
  /// Seconds between reports of a node that runs stacks: so it hears soon what it is asked.
  public static let stackReportInterval = 15
  /// Seconds between reports while a task is open, and for ``taskAttention`` after it.
  public static let taskReportInterval = 5
  static let taskAttention: TimeInterval = 60

  /// Takes what a node says of its tasks, and gives it the next.
  /// - Parameter reports: nil where its agent takes no tasks.
  /// - Returns: the task, and the seconds until the next report.
  func follow(
    _ reports: [NodeTaskReport]?, of machine: Machine, in database: Database, now: Date
  ) throws -> (order: NodeTaskOrder?, nextReport: Int) {
    let usual = machine.stacks.isEmpty ? Fleet.reportInterval : Fleet.stackReportInterval
    guard let reports else { return (nil, usual) }
    for report in reports.prefix(Fleet.openTaskLimit) { try take(report, of: machine, in: database, now: now) }
    // While the next install is armed or under way, this is the node of before.
    let isNode = machine.finishedInstall == machine.install
    for var task in try openTasks(of: machine, in: database) {
      if isNode, task.install != machine.install {
        try end(
          &task, task.state == .queued ? .cancelled : .interrupted, "the machine was installed anew", in: database,
          now: now)
      } else if task.state == .running, task.install == machine.finishedInstall,
        !reports.contains(where: { $0.identifier == task.identifier })
      {
        try end(&task, .interrupted, "the node does not know it any more", in: database, now: now)
      }
    }
    let open = try openTasks(of: machine, in: database).filter { $0.install == machine.finishedInstall }
    let isRecent = try Bool.fetchOne(
      database, sql: "SELECT EXISTS (SELECT 1 FROM nodeTask WHERE machine = ? AND endedAt > ?)",
      arguments: [machine.id, now.addingTimeInterval(-Fleet.taskAttention)])
    let nextReport = open.isEmpty && isRecent != true ? usual : Fleet.taskReportInterval
    guard machine.state == .active, isNode, !open.contains(where: { $0.state == .running }),
      // One that was told and not heard comes before those that wait.
      var task = open.first(where: { $0.state == .delivered }) ?? open.first
    else { return (nil, nextReport) }
    if task.deliveredAt == nil {
      task.state = .delivered
      task.deliveredAt = now
      try task.update(database)
    }
    return (NodeTaskOrder(identifier: task.identifier, task: task.task, wantsJSON: task.wantsJSON), nextReport)
  }

  /// A task that has ended, was never told, or is another machine's, is not changed by what a node says. Of one that was
  /// given up, what the node says is the truth after all.
  private func take(_ report: NodeTaskReport, of machine: Machine, in database: Database, now: Date) throws {
    guard
      var task = try MachineTask.filter(
        sql: """
          machine = ? AND identifier = ? AND (endedAt IS NULL OR state = 'abandoned') AND deliveredAt IS NOT NULL
          """,
        arguments: [machine.id, report.identifier.text]
      ).fetchOne(database)
    else { return }
    task.startedAt = task.startedAt ?? now
    let state: MachineTask.State =
      switch report.state {
      case .accepted, .running: .running
      case .succeeded: .succeeded
      case .failed: .failed
      case .interrupted: .interrupted
      }
    guard state.isFinal else {
      if task.state == .abandoned {
        task.reason = "the operator gave it up; the node has told since that it has it"
        try task.update(database)
      } else if task.state != state {
        task.state = state
        try task.update(database)
      }
      return
    }
    task.exitCode = report.exitCode.flatMap { (0...255).contains($0) ? $0 : nil }
    let output = report.output.map { NodeTaskReport.tail($0, limit: NodeTaskReport.outputLimit) }
    let messages = report.messages.map { NodeTaskReport.tail($0, limit: NodeTaskReport.messageLimit) }
    task.isCut = report.isCut == true || output != report.output || messages != report.messages
    (task.output, task.messages) = (output, messages)
    try end(&task, state, report.reason, in: database, now: now)
  }
}
