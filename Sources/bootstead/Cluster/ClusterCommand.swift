import ArgumentParser
import DiskLayout
import Fleet
import Foundation
import NetworkAddress
import OperatorAPI

struct ClusterCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "cluster", abstract: "k3s clusters of declared machines.",
    subcommands: [
      ClusterCreate.self, ClusterJoin.self, ClusterRejoin.self, ClusterShow.self, ClusterNodes.self, ClusterDrain.self,
      ClusterUncordon.self, ClusterForget.self, ClusterUpgrade.self, ClusterKubeconfig.self,
    ])

  /// The volumes of machines, as the registry has them; nothing of those that it does not know yet.
  static func volumes(of machines: [String], _ client: ApplianceClient) async throws -> [String: [ClusterVolume]] {
    var volumes: [String: [ClusterVolume]] = [:]
    for machine in machines {
      do {
        let detail: MachineDetail = try await client.get("/v1/machines/\(pathComponent(machine))")
        volumes[machine] = detail.machine.layout.volumes.map { .init(name: $0.name, mountPoint: $0.mountPoint) }
      } catch CommandFailure.refused(404, _) {
        continue
      }
    }
    return volumes
  }

  /// Gives all members the token. It is made where none of them has one, and never shown.
  static func shareToken(_ cluster: DeclaredCluster, firstUse: Bool, _ appliance: ApplianceOptions) async throws
    -> SharedSecretAnswer
  {
    let request = SharedSecret(
      secret: cluster.secret, machines: cluster.members.map(\.machine), firstUse: firstUse)
    return try await appliance.client.send("POST", "/v1/clusters/secret", request)
  }

  static func next(_ made: ClusterAnswer, firstUse: Bool) -> String {
    let (cluster, answer, storage) = (made.cluster, made.token, made.storage)
    let given = answer.given.joined(separator: ", ")
    var lines = [
      answer.given.isEmpty
        ? "all members have the token '\(cluster.secret)'"
        : "the token '\(cluster.secret)' \(answer.isNew ? "is made and" : "is") set for \(given)"
    ]
    if !firstUse, !answer.given.isEmpty {
      lines.append("it goes to machines whose code was compared; --first-use gives it to others too")
    }
    if let path = storage.path { lines.append("data of pods lies on the volume that is mounted on \(path)") }
    if let advice = storage.advice(cluster) { lines.append(advice) }
    lines.append("then: bootstead build \(cluster.members.map(\.machine).joined(separator: " ")), and install or apply")
    return lines.joined(separator: "\n")
  }
}

struct ClusterAnswer: Encodable {
  var cluster: DeclaredCluster
  var token: SharedSecretAnswer
  var storage: ClusterStorage
}

struct ClusterCreate: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "create", abstract: "Declare a cluster with its first server, its addresses and its token.",
    discussion: """
      Prints what changes in the folder's files, and asks. Addresses of the pool are of the first server's network, and \
      belong to nobody: no declared machine, no router, not the appliance, not the DHCP server. Run again it goes on.
      """)

  @OptionGroup var appliance: ApplianceOptions
  @OptionGroup var declared: DeclaredFolderOptions
  @OptionGroup var consent: OperatorConsent
  @Argument(help: "The cluster's name.") var name: String
  @Option(help: "The machine that is its first server.") var server: String
  @Option(help: "Addresses for services: 192.0.2.200-192.0.2.220. May be repeated.") var pool: [String] = []
  @Option(help: "The address that routes lead to; otherwise the pool's first.") var ingress: String?
  @Option(help: "Addresses that the DHCP server gives out. May be repeated.") var dhcp: [String] = []
  @Flag(help: "Give the token also to a machine whose short code nobody compared.") var firstUse = false

  func run() async throws {
    try await reportingFailures {
      let status: StatusAnswer = try await appliance.client.get("/v1/status")
      let own = status.addresses.compactMap { try? IPv4Address(String($0.prefix { $0 != " " })) }
      var declaration = ClusterDeclaration(
        try EditedDeclaration.open(declared.folder), others: own.map { ("the appliance", $0) },
        volumes: try await ClusterCommand.volumes(of: [server], appliance.client))
      let cluster = try declaration.create(
        .init(name: name, first: server, pool: pool, ingress: ingress, dhcp: dhcp))
      try await EditedDeclaration(folder: declared.folder, editor: declaration.editor).apply(appliance, consent)
      let token = try await ClusterCommand.shareToken(cluster, firstUse: firstUse, appliance)
      let answer = ClusterAnswer(cluster: cluster, token: token, storage: try declaration.storage(of: cluster))
      try show(answer, json: appliance.json) {
        "the cluster '\(name)' is declared: first server \(server), addresses \(cluster.pool.joined(separator: ", ")), "
          + "routes at \(cluster.ingress ?? "-")\n" + ClusterCommand.next(answer, firstUse: firstUse)
      }
    }
  }
}

struct ClusterJoin: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "join", abstract: "Declare machines as further servers and agents of a cluster.")

  @OptionGroup var appliance: ApplianceOptions
  @OptionGroup var declared: DeclaredFolderOptions
  @OptionGroup var consent: OperatorConsent
  @Argument(help: "The cluster's name.") var name: String
  @Option(help: "A machine that becomes a further server. May be repeated.") var server: [String] = []
  @Option(help: "A machine that becomes an agent. May be repeated.") var agent: [String] = []
  @Flag(help: "Take an even number of servers, where another one follows at once.") var even = false
  @Flag(help: "Give the token also to machines whose short code nobody compared.") var firstUse = false

  func validate() throws {
    guard !(server + agent).isEmpty else { throw ValidationError("name machines with --server or --agent") }
  }

  func run() async throws {
    try await reportingFailures {
      let editor = try EditedDeclaration.open(declared.folder)
      // The first server says where the data of all lies.
      let members = try DeclaredCluster.named(name, in: editor).members.map(\.machine)
      var declaration = ClusterDeclaration(
        editor, volumes: try await ClusterCommand.volumes(of: members + server + agent, appliance.client))
      let cluster = try declaration.join(name, servers: server, agents: agent, allowsEven: even)
      try await EditedDeclaration(folder: declared.folder, editor: declaration.editor).apply(appliance, consent)
      let token = try await ClusterCommand.shareToken(cluster, firstUse: firstUse, appliance)
      let answer = ClusterAnswer(cluster: cluster, token: token, storage: try declaration.storage(of: cluster))
      try show(answer, json: appliance.json) {
        "\(cluster.servers.count) servers, \(cluster.members.count - cluster.servers.count) agents; "
          + "the loss of \(cluster.tolerates) servers is borne\n"
          + ClusterCommand.next(answer, firstUse: firstUse)
      }
    }
  }
}

struct ClusterShow: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "show", abstract: "The clusters of the declaration that was applied last.")

  /// A member with what the registry knows of it.
  struct Row: Encodable {
    var machine: String
    var kind: DeclaredCluster.Kind
    var address: String?
    var state: String
    var hasToken: Bool
  }

  struct Standing: Encodable {
    var cluster: DeclaredCluster
    var tolerates: Int
    var members: [Row]
  }

  @OptionGroup var appliance: ApplianceOptions
  @Argument(help: "The cluster's name; all without any.") var name: String?

  func run() async throws {
    try await reportingFailures {
      let applied: AppliedDeclaration = try await appliance.client.get("/v1/declaration")
      let editor = DeclarationEditor(DeclaredFiles(applied.files))
      let clusters = try name.map { [try DeclaredCluster.named($0, in: editor)] } ?? DeclaredCluster.all(in: editor)
      var standings: [Standing] = []
      for cluster in clusters { standings.append(try await standing(cluster)) }
      try show(standings, json: appliance.json) {
        standings.isEmpty
          ? "no cluster is declared: bootstead cluster create NAME --server MACHINE -f DIR"
          : standings.map(Self.text).joined(separator: "\n\n")
      }
    }
  }

  private func standing(_ cluster: DeclaredCluster) async throws -> Standing {
    var rows: [Row] = []
    for member in cluster.members {
      let path = "/v1/machines/\(pathComponent(member.machine))"
      do {
        let detail: MachineDetail = try await appliance.client.get(path)
        let secrets: [SecretStanding] = try await appliance.client.get(path + "/secrets")
        rows.append(
          Row(
            machine: member.machine, kind: member.kind, address: member.address, state: detail.machine.state.rawValue,
            hasToken: secrets.contains { $0.name == cluster.secret && $0.isOnNode }))
      } catch CommandFailure.refused(404, _) {
        rows.append(
          Row(
            machine: member.machine, kind: member.kind, address: member.address, state: "removed", hasToken: false))
      }
    }
    return Standing(cluster: cluster, tolerates: cluster.tolerates, members: rows)
  }

  private static func text(_ standing: Standing) -> String {
    let cluster = standing.cluster
    var table = TableOutput("MACHINE", "ROLE", "ADDRESS", "STATE", "TOKEN")
    table.rows = standing.members.map {
      [$0.machine, $0.kind.rawValue, $0.address ?? "-", $0.state, $0.hasToken ? "on the node" : "not on the node"]
    }
    return """
      \(cluster.name): \(cluster.servers.count) servers, of which \(cluster.quorum) have to live; joined at \
      \(cluster.join ?? "-")
      addresses \(cluster.pool.joined(separator: ", ")), routes at \(cluster.ingress ?? "the pool's first free one")
      \(table.text)
      """
  }
}
