import ArgumentParser
import NodeWork
import ProgramRunner
import StackSet

struct StacksProcesses: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "ps", abstract: "The containers of a stack, or of all, and how they fare.")

  @OptionGroup var options: NodeWorkOptions
  @Argument(help: "The stack; all stacks where there is none.") var stack: String?

  func run() async throws {
    try await NodeWorkOutput.tell {
      let runner = SubprocessRunner()
      let engine = StackEngine(folders: options.folders, runner: runner, say: NodeWorkOutput.say)
      guard let set = try engine.applied() else { throw StackEngine.nothingApplied }
      let arguments = ["ps", "--all"] + (options.json ? ["--format", "json"] : [])
      for stack in stack.map({ [$0] }) ?? set.stacks.map(\.name) {
        do {
          let output = try await runner.run(engine.command(stack, arguments)).standardOutput
          if options.json {
            print(output, terminator: output.hasSuffix("\n") || output.isEmpty ? "" : "\n")
          } else {
            print("\(stack)\n\(output)", terminator: output.hasSuffix("\n") ? "" : "\n")
          }
        } catch let error as CommandFailure {
          throw NodeWorkError(.command, "\(error)")
        }
      }
    }
  }
}
