import Foundation
import NetworkAddress

/// A k3s cluster as the machines' files declare it. Machines with the same token are one cluster.
public struct DeclaredCluster: Codable, Sendable, Hashable {
  public enum Kind: String, Codable, Sendable, Hashable, CaseIterable {
    case first = "k3s-server-init"
    case server = "k3s-server"
    case agent = "k3s-agent"

    public var isServer: Bool { self != .agent }
  }

  public struct Member: Codable, Sendable, Hashable {
    public var machine: String
    public var kind: Kind
    /// The address that the others reach it by.
    public var address: String?
    /// Where it joins when its system is new; a first server without it begins a cluster.
    public var join: String?
  }

  public var name: String
  /// The secret with the token.
  public var secret: String
  /// The first server, the others, then agents.
  public var members: [Member]
  /// Where machines join.
  public var join: String?
  /// Addresses that services get.
  public var pool: [String]
  /// The address that routes lead to.
  public var ingress: String?
  /// The address that moves to a server that lives.
  public var virtualAddress: String?

  public var servers: [Member] { members.filter(\.kind.isServer) }
  /// Servers that have to live for the cluster to take changes: more than half of them.
  public var quorum: Int { servers.count / 2 + 1 }
  /// Servers that may fail.
  public var tolerates: Int { max(0, servers.count - quorum) }

  static let prefix = "secret:k3s-"

  /// The API of a server.
  static func api(at address: String) -> String {
    "https://\(address.contains(":") ? "[\(address)]" : address):6443"
  }

  /// All clusters of a declared fleet, by name.
  public static func all(in editor: DeclarationEditor) throws(FleetError) -> [DeclaredCluster] {
    all(
      try editor.machines.map { machine throws(FleetError) in
        Source(
          machine: machine, roles: try editor.roles(of: machine), settings: try editor.settings(of: machine),
          address: try editor.addresses(of: machine).first?.address.description)
      })
  }

  /// What says of a machine whether it is in a cluster.
  struct Source {
    var machine: String
    var roles: [String]
    var settings: JSONValue
    /// Its first fixed address.
    var address: String?
  }

  static func all(_ sources: [Source]) -> [DeclaredCluster] {
    var clusters: [String: DeclaredCluster] = [:]
    for source in sources {
      guard let kind = Kind.allCases.first(where: { source.roles.contains($0.rawValue) }) else { continue }
      let (machine, settings) = (source.machine, source.settings)
      let role = settings[["roles", kind.rawValue]] ?? .object([:])
      let token = role["token"]?.text ?? prefix + "token"
      let name = token.hasPrefix(prefix) ? String(token.dropFirst(prefix.count)) : token
      var cluster =
        clusters[token]
        ?? DeclaredCluster(
          name: name, secret: String(token.dropFirst("secret:".count)), members: [], join: nil, pool: [], ingress: nil)
      let address = role["nodeAddress"]?.text ?? source.address
      cluster.members.append(Member(machine: machine, kind: kind, address: address, join: role["join"]?.text))
      if kind == .first {
        let virtual = role[["virtualAddress", "address"]]?.text.map { String($0.prefix { $0 != "/" }) }
        cluster.virtualAddress = virtual
        cluster.join = (virtual ?? address).map(api)
        cluster.pool = settings[["access", "k8s-ingress", "pool"]]?.texts ?? []
        cluster.ingress = settings[["access", "k8s-ingress", "address"]]?.text
      }
      clusters[token] = cluster
    }
    return clusters.values.map { cluster in
      var cluster = cluster
      cluster.members.sort { ($0.kind.rank, $0.machine) < ($1.kind.rank, $1.machine) }
      return cluster
    }.sorted { $0.name < $1.name }
  }

  /// - Throws: ``FleetError/notFound(kind:name:)``
  public static func named(_ name: String, in editor: DeclarationEditor) throws(FleetError) -> DeclaredCluster {
    guard let cluster = try all(in: editor).first(where: { $0.name == name }) else {
      throw .notFound(kind: "cluster", name: displayable(name, limit: 60))
    }
    return cluster
  }
}

extension DeclaredCluster.Kind {
  fileprivate var rank: Int {
    switch self {
    case .first: 0
    case .server: 1
    case .agent: 2
    }
  }
}
