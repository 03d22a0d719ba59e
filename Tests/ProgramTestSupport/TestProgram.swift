import Foundation
import ProgramInput
import Subprocess
import SystemPackage

/// Runs programs of the system, without holding a thread while they run: tests run side by side on few threads.
public enum TestProgram {
  public struct Ended: Sendable {
    /// The exit code, or the negative number of the signal that ended it.
    public var status: Int32
    public var output: Data
    public var errors: String

    public var text: String { String(decoding: output, as: UTF8.self) }
  }

  public struct Failure: Error, CustomStringConvertible {
    public let description: String
  }

  /// - Parameters:
  ///   - program: a path, or a name that is searched in `PATH`.
  ///   - environment: set besides the test's own.
  /// - Throws: ``Failure`` where it runs for longer than two minutes; it is ended then.
  public static func run(
    _ program: String, _ arguments: [String], input: Data = Data(), environment: [String: String] = [:]
  ) async throws -> Ended {
    let ended = try await withThrowingTaskGroup(of: Ended?.self) { group in
      group.addTask { try await child(program, arguments, input, environment) }
      group.addTask {
        try await Task.sleep(for: .seconds(120))
        return nil
      }
      // The first of the two; cancelling the other one kills the child.
      defer { group.cancelAll() }
      return try await group.next() ?? nil
    }
    guard let ended else {
      throw Failure(description: "\(program) \(arguments.joined(separator: " ")) did not end within two minutes")
    }
    return ended
  }

  private static func child(
    _ program: String, _ arguments: [String], _ input: Data, _ environment: [String: String]
  ) async throws -> Ended {
    let changes = Dictionary(
      uniqueKeysWithValues: environment.map { (Environment.Key(stringLiteral: $0.key), Optional($0.value)) })
    let file = try ProgramInput.file(Array(input))
    let result = try await Subprocess.run(
      program.contains("/") ? .path(FilePath(program)) : .name(program), arguments: Arguments(arguments),
      environment: .inherit.updating(changes), input: .fileDescriptor(file, closeAfterSpawningProcess: true),
      output: .bytes(limit: 64 << 20),
      error: .string(limit: 16 << 20))
    let status: Int32 =
      switch result.terminationStatus {
      case .exited(let code): code
      case .signaled(let number): -number
      }
    return Ended(status: status, output: Data(result.standardOutput), errors: result.standardError)
  }

  /// - Returns: what the program wrote to its standard output.
  /// - Throws: ``Failure`` where it does not end with 0.
  public static func output(
    _ program: String, _ arguments: [String], input: Data = Data(), environment: [String: String] = [:]
  ) async throws -> Data {
    let ended = try await run(program, arguments, input: input, environment: environment)
    guard ended.status == 0 else {
      throw Failure(
        description: "\(program) \(arguments.joined(separator: " ")) ended with \(ended.status): \(ended.errors)")
    }
    return ended.output
  }
}
