public import AgentProtocol
import Subprocess
import SystemPackage

/// Asks disks for their SMART health by `smartctl`, which only reads.
public struct SmartReader: Sendable {
  private let print: @Sendable (String) async throws -> String

  /// - Parameter print: gives what `smartctl` prints of a device node; tests put a recording in its place.
  public init(print: @escaping @Sendable (_ node: String) async throws -> String = SmartReader.smartctl) {
    self.print = print
  }

  public func health(ofDevice node: String) async -> SmartHealth {
    do { return SmartReport.health(from: try await print(node)) } catch {
      return SmartHealth(verdict: .notAvailable, reason: "smartctl could not be run: \(error)")
    }
  }

  /// Its exit code is a set of bits that tell of old errors too, and what it prints says the same: the code is not
  /// looked at.
  public static func smartctl(_ node: String) async throws -> String {
    try await withThrowingTaskGroup(of: String?.self) { group in
      group.addTask {
        try await Subprocess.run(
          .name("smartctl"), arguments: ["--json=c", "--info", "--health", "--attributes", "--log=error", node],
          input: .none, output: .string(limit: 1 << 20), error: .discarded
        ).standardOutput
      }
      group.addTask {
        try await Task.sleep(for: .seconds(60))
        return nil
      }
      // The first of the two; cancelling the other one kills the child.
      defer { group.cancelAll() }
      guard let output = try await group.next() ?? nil else { throw NoAnswer() }
      return output
    }
  }

  private struct NoAnswer: Error, CustomStringConvertible { var description: String { "no answer within 60 s" } }
}
