import AgentProtocol
import ArgumentParser
import Fleet
import Foundation

/// A cluster of the declaration that was applied last, with how its members stand.
struct ClusterMembers {
  let cluster: DeclaredCluster
  let standings: [ClusterMaintenance.Standing]

  /// - Parameter choose: which of the clusters.
  static func read(_ client: ApplianceClient, _ choose: ([DeclaredCluster]) throws -> DeclaredCluster) async throws
    -> ClusterMembers
  {
    let applied: AppliedDeclaration = try await client.get("/v1/declaration")
    let cluster = try choose(DeclaredCluster.all(in: DeclarationEditor(DeclaredFiles(applied.files))))
    var standings: [ClusterMaintenance.Standing] = []
    for member in cluster.members {
      let path = "/v1/machines/\(pathComponent(member.machine))"
      let detail: MachineDetail = try await client.get(path)
      let rollouts: [Rollout] = try await client.get(path + "/rollouts")
      standings.append(
        detail.machine.standing(now: Date(), isChanging: rollouts.contains { $0.endedAt == nil }))
    }
    return ClusterMembers(cluster: cluster, standings: standings)
  }

  static func of(_ machine: String, _ client: ApplianceClient) async throws -> ClusterMembers {
    let name = try await client.get("/v1/machines/\(pathComponent(machine))", as: MachineDetail.self).machine.name.text
    return try await read(client) { clusters in
      guard let cluster = clusters.first(where: { $0.members.contains { $0.machine == name } }) else {
        throw CommandFailure.failed("\(name) belongs to no cluster of the declaration: bootstead cluster show")
      }
      return cluster
    }
  }

  static func named(_ name: String, _ client: ApplianceClient) async throws -> ClusterMembers {
    try await read(client) { clusters in
      guard let cluster = clusters.first(where: { $0.name == name }) else {
        throw FleetError.notFound(kind: "cluster", name: name)
      }
      return cluster
    }
  }

  /// A server that is well, another one than the given machine where there is one.
  func server(besides machine: String? = nil) throws -> String {
    let well = Set(standings.filter(\.isWell).map(\.machine))
    let servers = cluster.servers.map(\.machine).filter(well.contains)
    guard let server = servers.first(where: { $0 != machine }) ?? servers.first else {
      let reasons = standings.filter { !$0.isWell }.map { "\($0.machine): \($0.reason ?? "not well")" }
      throw CommandFailure.failed(
        "no server of the cluster '\(cluster.name)' is well, so nobody can be asked: " + reasons.joined(separator: "; ")
      )
    }
    return server
  }
}

struct ClusterDrain: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "drain", abstract: "Have a machine's pods move to others, so that it can be restarted.",
    discussion: """
      A server of its cluster does it. Refused while another member is not well or drained, and where too few servers \
      would be left. 'bootstead cluster uncordon' brings it back.
      """)

  @OptionGroup var options: NodeTaskOptions
  @OptionGroup var consent: OperatorConsent
  @Argument(help: "The machine's name or a MAC address of it.") var machine: String
  @Flag(help: "What pods keep in scratch folders of their own may go; asks for consent.") var deleteScratch = false
  @Flag(help: "The cluster may stand still while this server is away.") var acceptOutage = false

  func run() async throws {
    try await reportingFailures {
      let client = options.appliance.client
      let members = try await ClusterMembers.of(machine, client)
      let name = try await client.get("/v1/machines/\(pathComponent(machine))", as: MachineDetail.self).machine.name
        .text
      if let refusal = ClusterMaintenance(members.cluster).refusal(
        of: name, members.standings, acceptsOutage: acceptOutage)
      {
        throw CommandFailure.failed("\(name) is not drained: \(refusal)")
      }
      try await options.carryOut(
        .drainNode(ClusterNodeName(name), deletesScratch: deleteScratch, acceptsOutage: acceptOutage),
        on: members.server(besides: name), consent: deleteScratch ? consent : nil,
        loss: "what pods on \(name) keep in scratch folders of their own is LOST")
    }
  }
}

struct ClusterUncordon: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "uncordon", abstract: "Let a drained machine take pods again.")

  @OptionGroup var options: NodeTaskOptions
  @Argument(help: "The machine's name or a MAC address of it.") var machine: String

  func run() async throws {
    try await reportingFailures {
      let client = options.appliance.client
      let members = try await ClusterMembers.of(machine, client)
      let name = try await client.get("/v1/machines/\(pathComponent(machine))", as: MachineDetail.self).machine.name
        .text
      try await options.carryOut(.uncordonNode(ClusterNodeName(name)), on: members.server(besides: name))
    }
  }
}

struct ClusterNodes: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "nodes", abstract: "The nodes of a cluster as its servers see them: ready, drained, version.",
    discussion: "Ends with 1 where one is not ready.")

  @OptionGroup var options: NodeTaskOptions
  @Argument(help: "The cluster's name.") var name: String

  func run() async throws {
    try await reportingFailures {
      let members = try await ClusterMembers.named(name, options.appliance.client)
      try await options.carryOut(.clusterNodes, on: members.server())
    }
  }
}
