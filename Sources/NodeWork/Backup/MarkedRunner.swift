import ProgramRunner

/// Runs the programs of one run, so that they are known as such where the agent is killed before they end.
struct MarkedRunner: CommandRunner {
  let run: String
  let runner: any CommandRunner

  func run(_ command: Command) async throws(CommandFailure) -> CommandOutput {
    var command = command
    command.environment[RunProcesses.variable] = run
    return try await runner.run(command)
  }
}
