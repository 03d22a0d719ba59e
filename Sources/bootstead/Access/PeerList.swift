import ArgumentParser
import Fleet
import Foundation

struct PeerList: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "list", abstract: "The devices that a machine's file declares. Asks no appliance.")

  @OptionGroup var declared: DeclaredFolderOptions
  @Argument(help: "The machine with WireGuard.") var machine: String
  @Flag(help: "As JSON.") var json = false

  func run() async throws {
    try await reportingFailures {
      let peers = try TunnelPeers(of: machine, in: try EditedDeclaration.open(declared.folder)).peers
      try show(peers, json: json) {
        guard !peers.isEmpty else { return "\(machine) declares no devices" }
        var table = TableOutput("DEVICE", "ADDRESS", "TRAFFIC", "PUBLIC KEY")
        table.rows = peers.map {
          [
            $0.name, $0.addresses.joined(separator: " "), $0.isFullTunnel ? "all" : "for the house",
            $0.publicKey ?? "none yet",
          ]
        }
        return table.text
      }
    }
  }
}

struct PeerRemove: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "remove", abstract: "Take a device out: the node keeps it out with its next system.")

  @OptionGroup var appliance: ApplianceOptions
  @OptionGroup var declared: DeclaredFolderOptions
  @OptionGroup var consent: OperatorConsent
  @Argument(help: "The machine with WireGuard.") var machine: String
  @Argument(help: "The device's name.") var peer: String

  func run() async throws {
    try await reportingFailures {
      var peers = try TunnelPeers(of: machine, in: try EditedDeclaration.open(declared.folder))
      try peers.remove(peer)
      try await EditedDeclaration(folder: declared.folder, editor: peers.editor).apply(appliance, consent)
      try show(["removed": peer], json: appliance.json) {
        "removed; \(machine) keeps it out with its next system: bootstead build \(machine), bootstead apply \(machine)"
      }
    }
  }
}
