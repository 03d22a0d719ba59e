import ArgumentParser

struct AccessCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "access", abstract: "How people reach what runs in the house.", subcommands: [PeerCommand.self])
}

struct PeerCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "peer", abstract: "Devices that come in by WireGuard.",
    subcommands: [PeerAdd.self, PeerList.self, PeerRemove.self])
}

/// The declared fleet that a command changes.
struct DeclaredFolderOptions: ParsableArguments {
  @Option(name: .customShort("f"), help: "The folder that declares the fleet.") var folder: String
}
