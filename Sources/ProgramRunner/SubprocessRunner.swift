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
    case .exited(let code) where command.acceptedCodes.contains(code):
      var output = ended.output
      output.code = code
      return output
    case .exited(let code): throw CommandFailure(command: "\(command)", ending: .exited(code), lastLines: lines)
    case .signaled(let number): throw CommandFailure(command: "\(command)", ending: .signal(number), lastLines: lines)
    }
  }

  private struct Ended: Sendable {
    var output: CommandOutput
    var status: TerminationStatus
  }

  private static func child(_ command: Command) async throws -> Ended {
    let input =
      if let file = command.inputFile {
        try FileDescriptor.open(FilePath(file), .readOnly, options: [.closeOnExec])
      } else {
        try ProgramInput.file(Array((command.input ?? "").utf8))
      }
    // Messages are shown and searched: one language. LVM warns about each descriptor that it inherits.
    var changes: [Environment.Key: String?] = ["LC_ALL": "C", "LVM_SUPPRESS_FD_WARNINGS": "1"]
    for (name, value) in command.environment { changes[Environment.Key(stringLiteral: name)] = value }
    let configuration = Configuration(
      executable: command.program.hasPrefix("/") ? .path(FilePath(command.program)) : .name(command.program),
      arguments: Arguments(command.arguments), environment: .inherit.updating(changes),
      workingDirectory: command.workingDirectory.map { FilePath($0) })
    guard let file = command.outputFile else {
      let result = try await Subprocess.run(
        configuration, input: .fileDescriptor(input, closeAfterSpawningProcess: true),
        output: .string(limit: outputLimit), error: .string(limit: errorLimit))
      return Ended(
        output: CommandOutput(standardOutput: result.standardOutput, standardError: result.standardError),
        status: result.terminationStatus)
    }
    let output: FileDescriptor
    do {
      output = try FileDescriptor.open(
        FilePath(file), .writeOnly, options: [.create, .truncate, .closeOnExec], permissions: .ownerReadWrite)
    } catch {
      try? input.close()
      throw error
    }
    let result = try await Subprocess.run(
      configuration, input: .fileDescriptor(input, closeAfterSpawningProcess: true),
      output: .fileDescriptor(output, closeAfterSpawningProcess: true), error: .string(limit: errorLimit))
    return Ended(output: CommandOutput(standardError: result.standardError), status: result.terminationStatus)
  }
}
