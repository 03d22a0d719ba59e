import ArgumentParser
import NodeAgent

/// On an installed node.
struct Report: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Tell the appliance that this node lives; try until it has accepted that.",
    discussion: """
      With --stay it goes on reporting, and carries out what the appliance asks for: to start from the network, once, \
      for 'bootstead rebuild --now', to change to another system, for 'bootstead apply', and to work on stacks, \
      storage and backups, for 'bootstead stack', 'storage', 'snapshot' and 'backup'.
      """)

  @Flag(help: "Do not end: report again and again, and carry out the appliance's orders.")
  var stay = false

  @Option(help: ArgumentHelp("Before every path that is read.", visibility: .hidden))
  var root = ""

  func run() async throws {
    let log = AgentLog { print($0) }
    do {
      let reporter = NodeReporter(root: root, log: log)
      let alarms = NodeAlarmWatch(root: root, log: log)
      if stay {
        let root = root
        try await reporter.stay(
          networkBoot: NetworkBoot(root: root, log: log), tasks: NodeTasks(root: root, log: log), alarms: alarms
        ) { applianceURL, client in
          SystemRollout(
            root: root, log: log,
            store: NodeStore(root: root, client: client, applianceURL: applianceURL) { log.say($0) })
        }
      } else {
        try await reporter.run(alarms: alarms)
      }
    } catch {
      log.say("bootstead-agent: \(error)")
      throw ExitCode.failure
    }
  }
}
