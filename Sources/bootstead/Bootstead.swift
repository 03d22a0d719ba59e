import ArgumentParser

@main
struct Bootstead: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "bootstead",
    abstract: "Turns bare machines into NixOS nodes over the network.",
    discussion: """
      Exit codes: 0 done; 1 refused or failed; 3 the appliance does not answer; 4 what was named does not exist; \
      5 nobody consented; 6 the node does not answer; 64 wrong usage.
      """,
    version: bootsteadVersion,
    subcommands: [
      Serve.self, MachineCommand.self, ClosureCommand.self, ImageCommand.self, LoaderCommand.self, Watch.self, Why.self,
      RebuildCommand.self, PlanCommand.self, ApplyCommand.self, RollbackCommand.self, HistoryCommand.self,
      DiffCommand.self, BuildCommand.self, FleetCommand.self, StackCommand.self, StorageCommand.self,
      SnapshotCommand.self, BackupCommand.self, TaskCommand.self, Kexec.self, LayoutCommand.self,
      BootkitCommand.self,
      InstallerCommand.self,
      EnrolmentCommand.self,
      AccessCommand.self, ClusterCommand.self,
      Status.self, Demo.self, Version.self,
    ])
}

/// The version that `bootstead version` prints.
let bootsteadVersion = "0.1.0"
