import ArgumentParser

@main
struct BootsteadAgent: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "bootstead-agent",
    abstract: "Installs this machine from a Bootstead appliance, and reports for it afterwards.",
    subcommands: [
      Install.self, Report.self, Inventory.self, TakeoverCommand.self, SecretsCommand.self, StacksCommand.self,
      BackupCommand.self, SnapshotCommand.self, StorageCommand.self, AccessCommand.self,
      ClusterCommand.self, AlarmsCommand.self,
    ])
}
