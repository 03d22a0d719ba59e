import AgentProtocol
import ArgumentParser
import NodeWork
import ProgramRunner

/// On an installed node.
struct AlarmsCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "alarms", abstract: "What is to be seen to on this node: its storage and its backups.",
    discussion: """
      The agent's reports tell the appliance of the same. Disks are not asked for their SMART state, as 'storage show' \
      does. Ends with 1 where there is an alarm.
      """)

  @OptionGroup var options: NodeWorkOptions
  @Option(help: "The backup's configuration.") var configuration = "/etc/bootstead/backup.json"

  func run() async throws {
    let runner = SubprocessRunner()
    let alarms = await NodeAlarms(
      folders: options.folders, snapshots: .found(runner: runner), runner: runner, configuration: configuration
    ).read()
    if options.json {
      print(try NodeWorkJSON.text(alarms))
    } else {
      for alarm in alarms { print(alarm.text) }
    }
    if !alarms.isEmpty { throw ExitCode.failure }
  }
}
