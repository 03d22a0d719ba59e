import Fleet
import Foundation

/// How far a node is with a task: a line drawn over itself on a terminal, elsewhere a line for each state.
final class TaskProgress {
  private let machine: String
  private let isShown: Bool
  private let isTerminal = isatty(STDERR_FILENO) == 1
  private let began = Date()
  private var last: MachineTask.State?

  init(machine: String, isShown: Bool) {
    self.machine = machine
    self.isShown = isShown
  }

  func show(_ detail: TaskDetail) {
    guard isShown else { return }
    let text =
      switch detail.task.state {
      case .queued where detail.ahead > 0: "waits for \(detail.ahead) other \(detail.ahead == 1 ? "task" : "tasks")"
      case .queued, .delivered: "waits for the node, which reported \(ageText(detail.reportedAt))"
      default: "'\(detail.text)' is running"
      }
    if isTerminal {
      write("\r\u{1B}[K\(machine): \(text), \(Int(Date().timeIntervalSince(began))) s")
    } else if detail.task.state != last {
      write("\(machine): \(text)\n")
    }
    last = detail.task.state
  }

  /// Leaves the line, so that others can follow.
  func end() {
    if isTerminal, last != nil { write("\r\u{1B}[K") }
    last = nil
  }

  private func write(_ text: String) { FileHandle.standardError.write(Data(text.utf8)) }
}
