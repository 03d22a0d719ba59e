/// One call of another program: no shell in between.
public struct Command: Sendable, Hashable, CustomStringConvertible {
  /// Looked up in PATH, unless it is an absolute path.
  public var program: String
  public var arguments: [String]
  /// Written to its standard input, which is empty otherwise.
  public var input: String?
  /// It is killed after this time.
  public var timeout: Duration
  /// Set besides this process's own variables. They are in no message.
  public var environment: [String: String] = [:]
  /// The folder that it is started in; this process's own where there is none.
  public var workingDirectory: String?
  /// The file that it reads instead of `input`.
  public var inputFile: String?
  /// The file that its standard output goes to, for its owner alone; what was in it is replaced.
  public var outputFile: String?
  /// The exit codes that are no failure.
  public var acceptedCodes: Set<Int32> = [0]

  public init(_ program: String, _ arguments: [String], input: String? = nil, timeout: Duration = .seconds(300)) {
    self.program = program
    self.arguments = arguments
    self.input = input
    self.timeout = timeout
  }

  public var description: String { ([program] + arguments).joined(separator: " ") }
}

/// What a command printed.
public struct CommandOutput: Sendable, Hashable {
  public var standardOutput: String
  public var standardError: String
  /// One of the codes that the command accepts.
  public var code: Int32

  public init(standardOutput: String = "", standardError: String = "", code: Int32 = 0) {
    self.standardOutput = standardOutput
    self.standardError = standardError
    self.code = code
  }
}

/// A command that did not do its work.
public struct CommandFailure: Error, Sendable, Hashable, CustomStringConvertible {
  public enum Ending: Sendable, Hashable {
    case exited(Int32)
    case signal(Int32)
    case failed(String)
    case timedOut(Duration)
  }

  /// The command line.
  public var command: String
  public var ending: Ending
  /// The last lines that it wrote to standard error.
  public var lastLines: [String]

  public init(command: String, ending: Ending, lastLines: [String] = []) {
    self.command = command
    self.ending = ending
    self.lastLines = lastLines
  }

  public var description: String {
    let how =
      switch ending {
      case .exited(let code): "ended with code \(code)"
      case .signal(let number): "was ended by signal \(number)"
      case .failed(let reason): "failed: \(reason)"
      case .timedOut(let limit): "did not end within \(limit)"
      }
    let said = lastLines.isEmpty ? "" : ": " + lastLines.joined(separator: " / ")
    return "“\(command)” \(how)\(said)"
  }
}

/// Runs programs; tests put a recording in its place.
public protocol CommandRunner: Sendable {
  /// - Throws: for every ending but one of the command's accepted exit codes, which is 0 unless it says otherwise.
  @discardableResult
  func run(_ command: Command) async throws(CommandFailure) -> CommandOutput

  /// Runs a program that works for long.
  /// - Parameter line: gets each line of standard output and standard error as it comes.
  /// - Throws: for every ending but exit code 0.
  func follow(_ command: Command, line: @escaping @Sendable (String) -> Void) async throws(CommandFailure)
}

extension CommandRunner {
  public func follow(_ command: Command, line: @escaping @Sendable (String) -> Void) async throws(CommandFailure) {
    let output = try await run(command)
    for text in (output.standardOutput + output.standardError).split(separator: "\n") { line(String(text)) }
  }
}
