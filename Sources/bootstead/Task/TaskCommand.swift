import AgentProtocol
import ArgumentParser
import Fleet
import Foundation

struct TaskCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "task", abstract: "What running nodes were asked to do, and how it ended.",
    subcommands: [TaskList.self, TaskShow.self, TaskCancel.self])
}

struct TaskList: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "list", abstract: "List tasks, the newest first.")

  @OptionGroup var appliance: ApplianceOptions
  @Argument(help: "The machine's name or a MAC address of it; all machines without it.") var machine: String?

  func run() async throws {
    try await reportingFailures {
      let path = machine.map { "/v1/machines/\(pathComponent($0))/tasks" } ?? "/v1/tasks"
      let tasks: [TaskDetail] = try await appliance.client.get(path)
      try show(tasks.map(TaskResult.init), json: appliance.json) {
        if tasks.isEmpty { return "no tasks yet" }
        var table = TableOutput("TASK", "MACHINE", "QUEUED", "STATE", "WHAT")
        for detail in tasks {
          table.rows.append([
            detail.task.identifier.text, detail.machine, detail.task.queuedAt.formatted(.iso8601), detail.task.standing,
            detail.text,
          ])
        }
        return table.text
      }
    }
  }
}

struct TaskShow: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "show", abstract: "Show a task and what the node printed.",
    discussion: "Ends with 0 whether the task succeeded or not.")

  @OptionGroup var appliance: ApplianceOptions
  @Argument(help: "The task's identifier.") var identifier: String

  func run() async throws {
    try await reportingFailures {
      let detail: TaskDetail = try await appliance.client.get("/v1/tasks/\(pathComponent(identifier))")
      try show(TaskResult(detail), json: appliance.json) { text(detail) }
    }
  }

  private func text(_ detail: TaskDetail) -> String {
    let task = detail.task
    func line(_ title: String, _ date: Date?) -> String? { date.map { "\(title) \($0.formatted(.iso8601))" } }
    let lines = [
      "task      \(task.identifier)", "machine   \(detail.machine)", "what      \(detail.text)",
      "state     \(task.standing)" + (task.reason.map { ": \($0)" } ?? ""), line("queued   ", task.queuedAt),
      line("consent  ", task.consentedAt), line("told     ", task.deliveredAt), line("begun    ", task.startedAt),
      line("ended    ", task.endedAt), task.isCut ? "output    the end of it:" : nil, task.output, task.messages,
    ]
    return lines.compactMap { $0 }.filter { !$0.isEmpty }.joined(separator: "\n")
  }
}

struct TaskCancel: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "cancel", abstract: "Take a task back that the node was not told of yet, or give one up.",
    discussion: """
      A task whose node was told, and then said nothing for three minutes, is given up: later ones go on. The node may \
      have done it, or do it yet; what it tells of it later is recorded.
      """)

  @OptionGroup var appliance: ApplianceOptions
  @Argument(help: "The task's identifier.") var identifier: String

  func run() async throws {
    try await reportingFailures {
      let path = "/v1/tasks/\(pathComponent(identifier))/cancel"
      let detail: TaskDetail = try await appliance.client.send("POST", path, [String: String]())
      try show(TaskResult(detail), json: appliance.json) {
        "\(detail.task.identifier) is \(detail.task.state.rawValue)"
          + (detail.task.state == .abandoned ? ": \(detail.task.reason ?? "")" : "")
      }
    }
  }
}
