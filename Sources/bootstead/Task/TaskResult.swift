import AgentProtocol
import ArgumentParser
import Fleet
import Foundation

/// A task as the command line prints it.
struct TaskResult: Encodable {
  var identifier: String
  var machine: String
  var task: String
  var state: MachineTask.State
  var queuedAt: Date
  var startedAt: Date?
  var endedAt: Date?
  var exitCode: Int?
  var reason: String?
  /// What the node printed: as JSON where it is some, as an array where each line is, otherwise as text.
  var output: JSONValue?
  var messages: String?
  var isCut: Bool

  init(_ detail: TaskDetail) {
    let task = detail.task
    identifier = task.identifier.text
    machine = detail.machine
    self.task = detail.text
    state = task.state
    queuedAt = task.queuedAt
    startedAt = task.startedAt
    endedAt = task.endedAt
    exitCode = task.exitCode
    reason = task.reason
    output = task.output.map(Self.value)
    messages = task.messages
    isCut = task.isCut
  }

  private static func value(_ text: String) -> JSONValue {
    func parsed(_ text: some StringProtocol) -> JSONValue? {
      try? JSONDecoder().decode(JSONValue.self, from: Data(text.utf8))
    }
    if let value = parsed(text) { return value }
    let lines = text.split(separator: "\n").map { parsed($0) }
    let values = lines.compactMap { $0 }
    return values.count == lines.count && !lines.isEmpty ? .array(values) : .text(text)
  }

  /// Prints the node's answer. What it wrote to standard error goes there.
  /// - Throws: exit code 4 where what was named does not exist on the node, otherwise 1, unless the task succeeded.
  static func tell(_ detail: TaskDetail, json: Bool) throws {
    let task = detail.task
    if json {
      try show(TaskResult(detail), json: true) { "" }
    } else {
      if let output = task.output, !output.isEmpty {
        if task.isCut { printError("this is the end of a longer output") }
        print(terminalText(output), terminator: output.hasSuffix("\n") ? "" : "\n")
      }
      if let messages = task.messages, !messages.isEmpty {
        FileHandle.standardError.write(Data((terminalText(messages) + (messages.hasSuffix("\n") ? "" : "\n")).utf8))
      }
    }
    guard task.state != .succeeded else { return }
    printError(
      "'\(detail.text)' on \(detail.machine): \(task.standing)"
        + (task.reason.map { ": \(terminalText($0))" } ?? ""))
    throw ExitCode(task.state == .failed && task.exitCode == 4 ? 4 : 1)
  }
}
