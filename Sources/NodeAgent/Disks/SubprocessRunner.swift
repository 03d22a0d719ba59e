import ProgramInput
import Subprocess
import SystemPackage

/// Runs programs as children of this process.
public struct SubprocessRunner: CommandRunner {
  /// Bytes kept of standard output; a command that prints more is an error.
  public static let outputLimit = 4 << 20
  /// Bytes kept of standard error.
  public static let errorLimit = 1 << 20

  public init() {}

  @discardableResult
  public func run(_ command: Command) async throws(CommandFailure) -> CommandOutput {
    let ended: Ended?
    do {
      ended = try await withThrowingTaskGroup(of: Ended?.self) { group in
        group.addTask { try await Self.child(command) }
        group.addTask {
          try await Task.sleep(for: command.timeout)
          return nil
        }
        // The first of the two; cancelling the other one kills the child.
        defer { group.cancelAll() }
        return try await group.next() ?? nil
      }
    } catch {
      throw CommandFailure(command: "\(command)", ending: .failed("\(error)"))
    }
    guard let ended else { throw CommandFailure(command: "\(command)", ending: .timedOut(command.timeout)) }
    let lines = ended.output.standardError.split(separator: "\n").suffix(6).map { String($0.prefix(300)) }
    switch ended.status {
    case .exited(0): return ended.output
    case .exited(let code): throw CommandFailure(command: "\(command)", ending: .exited(code), lastLines: lines)
    case .signaled(let number): throw CommandFailure(command: "\(command)", ending: .signal(number), lastLines: lines)
    }
  }

  private struct Ended: Sendable {
    var output: CommandOutput
    var status: TerminationStatus
  }

  private static func child(_ command: Command) async throws -> Ended {
    let input = try ProgramInput.file(Array((command.input ?? "").utf8))
    let result = try await Subprocess.run(
      command.program.hasPrefix("/") ? .path(FilePath(command.program)) : .name(command.program),
      arguments: Arguments(command.arguments),
      // Messages are shown and searched: one language. LVM warns about each descriptor that it inherits.
      environment: .inherit.updating(["LC_ALL": "C", "LVM_SUPPRESS_FD_WARNINGS": "1"]),
      input: .fileDescriptor(input, closeAfterSpawningProcess: true), output: .string(limit: outputLimit),
      error: .string(limit: errorLimit))
    return Ended(
      output: CommandOutput(
        standardOutput: result.standardOutput, standardError: result.standardError),
      status: result.terminationStatus)
  }
}
