import ArgumentParser
import Glibc
import NodeWork

/// Options of all commands for stacks, storage and backups.
struct NodeWorkOptions: ParsableArguments {
  @Flag(help: "As JSON.") var json = false

  @Option(help: ArgumentHelp("Where the agent keeps its state.", visibility: .hidden)) var state = "/var/lib/bootstead"

  @Option(help: ArgumentHelp("Where secrets lie.", visibility: .hidden)) var runtime = "/run/bootstead"

  var folders: NodeFolders { NodeFolders(state: state, runtime: runtime) }
}

enum NodeWorkOutput {
  /// On standard error, so that standard output is the result alone.
  @Sendable static func say(_ line: String) {
    let bytes = Array((line + "\n").utf8)
    _ = write(STDERR_FILENO, bytes, bytes.count)
  }

  /// Shows a refusal the way the program does, and ends.
  static func tell<Value>(_ work: () async throws -> Value) async throws -> Value {
    do {
      return try await work()
    } catch let error as NodeWorkError {
      say("bootstead-agent: \(error)")
      throw ExitCode(error.exitCode)
    }
  }

  static func table(_ rows: [[String]]) -> String {
    let widths = (rows.first ?? []).indices.map { column in rows.map { $0[column].count }.max() ?? 0 }
    return rows.map { row in
      zip(row, widths).enumerated().map { number, cell in
        number == row.count - 1
          ? cell.0 : cell.0 + String(repeating: " ", count: max(0, cell.1 - cell.0.count) + 2)
      }.joined()
    }.joined(separator: "\n")
  }
}

extension NodeWorkError {
  /// As docs/cli.md lists them.
  var exitCode: Int32 {
    switch kind {
    case .unknownStack, .unknownPlan, .archiveMissing, .repositoryMissing: 4
    default: 1
    }
  }
}
