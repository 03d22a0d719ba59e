import ArgumentParser
import NodeAgent

/// On an installed node, before the services that use secrets.
struct SecretsCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "secrets", abstract: "The secrets of this node's services.", subcommands: [Apply.self])

  struct Apply: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Open the secrets that the appliance sealed to this node, and lay them down for the services.",
      discussion: "Each becomes a file in memory that its user alone may read. Ends with code 1 where one is missing.")

    @Option(help: "The list of secrets, as the node's configuration has it.")
    var configuration = SecretPlacement.path

    @Option(help: ArgumentHelp("Before every path that is read or written.", visibility: .hidden))
    var root = ""

    func run() async throws {
      let log = AgentLog { print($0) }
      do { try SecretPlacement.read(root + configuration).apply(root: root, from: NodeSecrets(root: root)) } catch {
        log.say("bootstead-agent: \(error)")
        throw ExitCode.failure
      }
    }
  }
}
