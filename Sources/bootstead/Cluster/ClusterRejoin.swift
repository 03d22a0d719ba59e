import AgentProtocol
import ArgumentParser
import Fleet
import Foundation

struct ClusterRejoin: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "rejoin",
    abstract: "Declare at which server a machine joins its cluster when its system is made anew.",
    discussion: """
      For the first server, before it is rebuilt: a system that joins nobody begins a new, empty cluster. And for any \
      machine that would join at a server that is away. What runs stays as it is.
      """)

  @OptionGroup var appliance: ApplianceOptions
  @OptionGroup var declared: DeclaredFolderOptions
  @OptionGroup var consent: OperatorConsent
  @Argument(help: "The machine's name.") var machine: String
  @Option(help: "Another server of its cluster (default: the first other one).") var at: String?

  private struct Answer: Encodable {
    var machine: String
    var joins: String
  }

  func run() async throws {
    try await reportingFailures {
      var declaration = ClusterDeclaration(try EditedDeclaration.open(declared.folder))
      let target = try declaration.rejoin(machine, at: at)
      try await EditedDeclaration(folder: declared.folder, editor: declaration.editor).apply(appliance, consent)
      try show(Answer(machine: machine, joins: target.machine), json: appliance.json) {
        "\(machine) joins at \(target.machine) with its next system: bootstead build \(machine)"
      }
    }
  }
}

struct ClusterForget: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "forget", abstract: "Take a machine out of its cluster, so that it can join anew after a rebuild.",
    discussion: """
      Another server of the cluster does it. Refused while the machine is ready and takes pods (drain it, or let the \
      rebuild begin), and where the servers that stay have no majority. Run again it goes on.
      """)

  @OptionGroup var options: NodeTaskOptions
  @OptionGroup var consent: OperatorConsent
  @Argument(help: "The machine's name or a MAC address of it.") var machine: String
  @Option(help: "The cluster's name, for a machine that is declared in it no more.") var cluster: String?

  func run() async throws {
    try await reportingFailures {
      let client = options.appliance.client
      let name: String
      let members: ClusterMembers
      if let cluster {
        (name, members) = (machine, try await ClusterMembers.named(cluster, client))
      } else {
        name = try await client.get("/v1/machines/\(pathComponent(machine))", as: MachineDetail.self).machine.name.text
        members = try await ClusterMembers.of(machine, client)
      }
      let server = try members.server(besides: name)
      guard server != name else {
        throw CommandFailure.failed(
          "no other server of the cluster '\(members.cluster.name)' is well, so nobody can be asked to forget \(name)")
      }
      try await options.carryOut(
        .forgetNode(ClusterNodeName(name)), on: server, consent: consent,
        loss:
          "\(name) leaves the cluster '\(members.cluster.name)', and its pods go to others; it may join anew. Data on its "
          + "own volumes stays")
    }
  }
}
