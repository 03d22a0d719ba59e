import ArgumentParser
import NodeAgent

/// On an installed node.
struct Report: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Tell the appliance that this node lives; try until it has accepted that.")

  @Option(help: ArgumentHelp("Before every path that is read.", visibility: .hidden))
  var root = ""

  func run() async throws {
    let log = AgentLog { print($0) }
    do {
      try await NodeReporter(root: root, log: log).run()
    } catch {
      log.say("bootstead-agent: \(error)")
      throw ExitCode.failure
    }
  }
}
