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
    let ended = try await Self.ended(command) { try await Self.child(command) }
    let lines = ended.output.standardError.split(separator: "\n").map(String.init)
    try Self.check(ended.status, of: command, said: lines)
    return ended.output
  }

  public func follow(_ command: Command, line: @escaping @Sendable (String) -> Void) async throws(CommandFailure) {
    let ended = try await Self.ended(command) { try await Self.followed(command, line) }
    try Self.check(ended.status, of: command, said: ended.output.standardError.split(separator: "\n").map(String.init))
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

  private static func check(
    _ status: TerminationStatus, of command: Command, said lines: [String]
  ) throws(CommandFailure) {
    let last = lines.suffix(6).map { String($0.prefix(300)) }
    switch status {
    case .exited(0): return
    case .exited(let code): throw CommandFailure(command: "\(command)", ending: .exited(code), lastLines: last)
    case .signaled(let number): throw CommandFailure(command: "\(command)", ending: .signal(number), lastLines: last)
    }
  }

  private static func executable(_ command: Command) -> Executable {
    command.program.hasPrefix("/") ? .path(FilePath(command.program)) : .name(command.program)
  }

  /// Messages are shown and searched: one language. LVM warns about each descriptor that it inherits.
  private static var environment: Environment {
    .inherit.updating(["LC_ALL": "C", "LVM_SUPPRESS_FD_WARNINGS": "1"])
  }

  private static func child(_ command: Command) async throws -> Ended {
    let input = try ProgramInput.file(Array((command.input ?? "").utf8))
    let result = try await Subprocess.run(
      executable(command), arguments: Arguments(command.arguments), environment: environment,
      input: .fileDescriptor(input, closeAfterSpawningProcess: true), output: .string(limit: outputLimit),
      error: .string(limit: errorLimit))
    return Ended(
      output: CommandOutput(
        standardOutput: result.standardOutput, standardError: result.standardError),
      status: result.terminationStatus)
  }

  private static func followed(_ command: Command, _ line: @escaping @Sendable (String) -> Void) async throws -> Ended {
    let input = try ProgramInput.file(Array((command.input ?? "").utf8))
    let result = try await Subprocess.run(
      executable(command), arguments: Arguments(command.arguments), environment: environment,
      input: .fileDescriptor(input, closeAfterSpawningProcess: true), output: .sequence, error: .combinedWithOutput
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
