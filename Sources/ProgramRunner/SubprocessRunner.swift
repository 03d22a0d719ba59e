import ProgramInput
import Subprocess
import SystemPackage

/// Runs programs as children of this process.
public struct SubprocessRunner: CommandRunner {
  /// Bytes kept of standard output; a command that prints more is an error.
  public static let outputLimit = 4 << 20
  /// Bytes kept of standard error.
  public static let errorLimit = 1 << 20
  /// Bytes of a line that is followed; what is longer comes in pieces.
  public static let lineLimit = 16 << 10

  public init() {}

  @discardableResult
  public func run(_ command: Command) async throws(CommandFailure) -> CommandOutput {
    try Self.output(of: try await Self.ended(command) { try await Self.child(command) }, command)
  }

  public func follow(_ command: Command, line: @escaping @Sendable (String) -> Void) async throws(CommandFailure) {
    _ = try Self.output(of: try await Self.ended(command) { try await Self.followed(command, line) }, command)
  }

  private struct Ended: Sendable {
    var output: CommandOutput
    var status: TerminationStatus
  }

  private static func ended(
    _ command: Command, _ work: @escaping @Sendable () async throws -> Ended
  ) async throws(CommandFailure) -> Ended {
    let ended: Ended?
    do {
      ended = try await withThrowingTaskGroup(of: Ended?.self) { group in
        group.addTask { try await work() }
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
    return ended
  }

  private static func output(of ended: Ended, _ command: Command) throws(CommandFailure) -> CommandOutput {
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

  private static func input(_ command: Command) throws -> FileDescriptor {
    guard let file = command.inputFile else { return try ProgramInput.file(Array((command.input ?? "").utf8)) }
    return try FileDescriptor.open(FilePath(file), .readOnly, options: [.closeOnExec])
  }

  private static func configuration(_ command: Command) -> Configuration {
    // Messages are shown and searched: one language. LVM warns about each descriptor that it inherits.
    var changes: [Environment.Key: String?] = ["LC_ALL": "C", "LVM_SUPPRESS_FD_WARNINGS": "1"]
    for (name, value) in command.environment { changes[Environment.Key(stringLiteral: name)] = value }
    return Configuration(
      executable: command.program.hasPrefix("/") ? .path(FilePath(command.program)) : .name(command.program),
      arguments: Arguments(command.arguments), environment: .inherit.updating(changes),
      workingDirectory: command.workingDirectory.map { FilePath($0) })
  }

  private static func child(_ command: Command) async throws -> Ended {
    let input = try input(command)
    guard let file = command.outputFile else {
      let result = try await Subprocess.run(
        configuration(command), input: .fileDescriptor(input, closeAfterSpawningProcess: true),
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
      configuration(command), input: .fileDescriptor(input, closeAfterSpawningProcess: true),
      output: .fileDescriptor(output, closeAfterSpawningProcess: true), error: .string(limit: errorLimit))
    return Ended(output: CommandOutput(standardError: result.standardError), status: result.terminationStatus)
  }

  private static func followed(_ command: Command, _ line: @escaping @Sendable (String) -> Void) async throws -> Ended {
    let result = try await Subprocess.run(
      configuration(command), input: .fileDescriptor(try input(command), closeAfterSpawningProcess: true),
      output: .sequence, error: .combinedWithOutput
    ) { execution in
      var last: [String] = []
      var pending: [UInt8] = []
      func take(_ bytes: some Sequence<UInt8>) {
        let text = String(decoding: Array(bytes), as: UTF8.self)
        guard !text.allSatisfy(\.isWhitespace) else { return }
        last = last.suffix(5) + [text]
        line(text)
      }
      for try await chunk in execution.standardOutput {
        pending += chunk.withUnsafeBytes { Array($0) }
        while let end = pending.firstIndex(where: { $0 == UInt8(ascii: "\n") || $0 == UInt8(ascii: "\r") }) {
          take(pending[..<end])
          pending.removeSubrange(...end)
        }
        if pending.count > lineLimit {
          take(pending)
          pending = []
        }
      }
      take(pending)
      return last
    }
    return Ended(
      output: CommandOutput(standardError: result.closureResult.joined(separator: "\n")),
      status: result.terminationStatus)
  }
}
