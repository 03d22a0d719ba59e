import ProgramRunner
import Synchronization

/// Plays answers that the real tools gave, and records what was asked: neither LVM nor ZFS runs on this host.
final class RecordedRunner: CommandRunner {
  private let answers: [String: String]
  private let failing: [String: String]
  private let asked = Mutex<[String]>([])

  /// - Parameters:
  ///   - answers: by the beginning of the command line; the longest one counts. Others print nothing.
  ///   - failing: what commands say that fail, likewise; with a code that is accepted, where one is.
  init(_ answers: [String: String] = [:], failing: [String: String] = [:]) {
    self.answers = answers
    self.failing = failing
  }

  var commands: [String] { asked.withLock { $0 } }

  func run(_ command: Command) async throws(CommandFailure) -> CommandOutput {
    asked.withLock { $0.append("\(command)") }
    func longest(_ table: [String: String]) -> String? {
      table.filter { "\(command)".hasPrefix($0.key) }.max { $0.key.utf8.count < $1.key.utf8.count }?.value
    }
    if let said = longest(failing) {
      if let code = command.acceptedCodes.filter({ $0 != 0 }).min() {
        return CommandOutput(standardError: said, code: code)
      }
      throw CommandFailure(command: "\(command)", ending: .exited(1), lastLines: [said])
    }
    return CommandOutput(standardOutput: longest(answers) ?? "")
  }
}
