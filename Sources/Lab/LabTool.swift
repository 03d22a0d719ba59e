import Subprocess
import SystemPackage

/// Runs one tool to its end.
public enum LabTool {
  /// - Returns: what it printed on standard output.
  /// - Throws: ``LabError/toolFailed(command:status:output:)`` where it ends with a code other than 0.
  @discardableResult
  public static func run(_ program: String, _ arguments: [String]) async throws -> String {
    let result = try await Subprocess.run(
      LabTool.executable(program), arguments: Arguments(arguments),
      environment: .inherit.updating(["LVM_SUPPRESS_FD_WARNINGS": "1"]),
      output: .string(limit: 16 << 20), error: .string(limit: 1 << 20))
    let output = result.standardOutput
    guard result.terminationStatus.isSuccess else {
      throw LabError.toolFailed(
        command: ([program] + arguments).joined(separator: " "), status: "\(result.terminationStatus)",
        output: output + result.standardError)
    }
    return output
  }

  /// Runs a program whose output goes where this program's own goes.
  /// - Throws: ``LabError/toolFailed(command:status:output:)`` where it ends with a code other than 0.
  public static func show(_ program: String, _ arguments: [String]) async throws {
    let result = try await Subprocess.run(
      executable(program), arguments: Arguments(arguments), output: .currentStandardOutput, error: .currentStandardError
    )
    guard result.terminationStatus.isSuccess else {
      throw LabError.toolFailed(
        command: ([program] + arguments).joined(separator: " "), status: "\(result.terminationStatus)", output: "")
    }
  }

  /// A path as it is, or a name to be found in `PATH`.
  static func executable(_ program: String) -> Executable {
    program.contains("/") ? .path(FilePath(program)) : .name(program)
  }
}
