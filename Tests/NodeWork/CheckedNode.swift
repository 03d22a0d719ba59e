import NodeWork
import ProgramRunner

/// A simulated node on which e2fsck finds what it is told to find.
struct CheckedNode: CommandRunner {
  let node: SimulatedNode
  let code: Int32

  func run(_ command: Command) async throws(CommandFailure) -> CommandOutput {
    guard command.program == "e2fsck" else { return try await node.run(command) }
    guard command.arguments.contains("-n") else {
      throw CommandFailure(command: "\(command)", ending: .exited(16), lastLines: ["this would write"])
    }
    return CommandOutput(standardOutput: "Pass 1\nInode 12 is wrong\n", code: code)
  }
}
