import ArgumentParser

struct MachineCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "machine", abstract: "Register, approve and look at machines.",
    subcommands: [
      MachineAdd.self, MachineList.self, MachineShow.self, MachineApprove.self, MachineRename.self, MachineSet.self,
      MachineSecret.self, MachineSecrets.self, MachineRemove.self, MachineForget.self, MachineWipe.self,
      MachineSaved.self, MachineLog.self,
      MachineFactsCommand.self, MachineExamine.self, MachineAcceptFacts.self, MachineRelease.self, MachineFlake.self,
    ])
}
