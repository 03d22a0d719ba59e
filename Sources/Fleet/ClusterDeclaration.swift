import Foundation
import NetworkAddress

/// Makes and widens clusters in the files of a declared fleet.
public struct ClusterDeclaration: Sendable {
  /// What is wished of a new cluster.
  public struct Wish: Sendable {
    public var name: String
    public var first: String
    /// Ranges of addresses; empty: the highest free ones outside of `dhcp`.
    public var pool: [String]
    /// Nil: the pool's first address.
    public var ingress: String?
    /// What the network's DHCP server gives out, where that is known.
    public var dhcp: [String]

    public init(name: String, first: String, pool: [String] = [], ingress: String? = nil, dhcp: [String] = []) {
      (self.name, self.first, self.pool, self.ingress, self.dhcp) = (name, first, pool, ingress, dhcp)
    }
  }

  public internal(set) var editor: DeclarationEditor
  /// Addresses that no declared machine has, with whose they are: the appliance's.
  let others: [(what: String, address: IPv4Address)]
  /// Volumes of machines whose files say nothing of a layout, as the registry has them.
  let volumes: [String: [ClusterVolume]]

  /// Addresses of a pool that is chosen.
  static let poolSize: UInt32 = 16

  public init(
    _ editor: DeclarationEditor, others: [(what: String, address: IPv4Address)] = [],
    volumes: [String: [ClusterVolume]] = [:]
  ) {
    (self.editor, self.others, self.volumes) = (editor, others, volumes)
  }

  // MARK: A new cluster

  /// Declares a cluster with its first server. Run again with the same wish it changes nothing.
  /// - Throws: ``FleetError`` with what stands against it; nothing is changed then.
  public mutating func create(_ wish: Wish) throws(FleetError) -> DeclaredCluster {
    guard wish.name.wholeMatch(of: /[a-z0-9]([a-z0-9\-]{0,14}[a-z0-9])?/) != nil else {
      throw .invalidValue(field: "cluster", reason: "a cluster's name is 1 to 16 of a-z, 0-9 and inner hyphens")
    }
    let clusters = try DeclaredCluster.all(in: editor)
    if let cluster = clusters.first(where: { $0.name == wish.name }) {
      if try cluster.fulfils(wish) {
        try declareStorage(of: cluster.members.map(\.machine), first: wish.first)
        return try DeclaredCluster.named(wish.name, in: editor)
      }
      throw .conflict(
        "there is a cluster '\(wish.name)' already, with another first server or other addresses; 'bootstead cluster join \(wish.name)' adds machines to it"
      )
    }
    try checkFree(wish.first, clusters)
    let network = try network(of: wish.first)
    let dhcp = try wish.dhcp.map { text throws(FleetError) in try IPv4Range(text, field: "dhcp") }
    let taken = try occupied(network, besides: clusters)
    let pool = try pool(wish, network, dhcp, taken)
    let ingress = try ingress(wish, pool)
    try addRole(.first, to: wish.first)
    try editor.set(
      .object([
        "token": .text(DeclaredCluster.prefix + wish.name), "nodeAddress": .text(network.address.description),
        "peers": .array([.text(network.description)]),
      ]), at: ["settings", "roles", DeclaredCluster.Kind.first.rawValue], of: wish.first)
    let base = ["settings", "access", "k8s-ingress"]
    try editor.set(.bool(true), at: base + ["enable"], of: wish.first)
    try editor.set(.array(pool.map { .text($0.description) }), at: base + ["pool"], of: wish.first)
    try editor.set(.text(ingress.description), at: base + ["address"], of: wish.first)
    try declareStorage(of: [wish.first], first: wish.first)
    return try DeclaredCluster.named(wish.name, in: editor)
  }

  private func pool(
    _ wish: Wish, _ network: IPv4Network, _ dhcp: [IPv4Range], _ taken: [(what: String, range: IPv4Range)]
  ) throws(FleetError) -> [IPv4Range] {
    var against = taken
    against += dhcp.map { ("what the DHCP server gives out", $0) }
    if wish.pool.isEmpty {
      guard !dhcp.isEmpty else {
        throw .invalidValue(
          field: "pool",
          reason:
            "which addresses the DHCP server gives out is not known here; name a pool with --pool, or that range with --dhcp"
        )
      }
      return [try freePool(network, against)]
    }
    var ranges: [IPv4Range] = []
    for text in wish.pool {
      let range = try IPv4Range(text, field: "pool")
      guard network.isForMachines(range.first), network.isForMachines(range.last) else {
        throw .invalidValue(
          field: "pool",
          reason: "\(range) is not of \(network), the network of \(wish.first); nobody would answer for it")
      }
      if let other = against.first(where: { $0.range.overlaps(range) }) {
        throw .invalidValue(
          field: "pool", reason: "\(range) overlaps \(other.what) (\(other.range)); two would answer for one address")
      }
      against.append(("another range of the pool", range))
      ranges.append(range)
    }
    return ranges
  }

  /// The highest addresses of a network that nobody has.
  private func freePool(_ network: IPv4Network, _ taken: [(what: String, range: IPv4Range)]) throws(FleetError)
    -> IPv4Range
  {
    let size = Self.poolSize
    var last = network.range.last.value - 1
    while last >= network.range.first.value + size {
      guard let range = IPv4Range(first: IPv4Address(last - size + 1), last: IPv4Address(last)) else { break }
      guard
        let other = taken.filter({ $0.range.overlaps(range) }).min(by: { $0.range.first.value < $1.range.first.value })
      else { return range }
      guard other.range.first.value > network.range.first.value else { break }
      last = other.range.first.value - 1
    }
    throw .invalidValue(
      field: "pool",
      reason: "\(network) has no \(size) addresses in a row that nobody has; name a smaller pool with --pool")
  }

  private func ingress(_ wish: Wish, _ pool: [IPv4Range]) throws(FleetError) -> IPv4Address {
    guard let text = wish.ingress else { return pool.first?.first ?? .any }
    guard let address = try? IPv4Address(text), pool.contains(where: { $0.contains(address) }) else {
      let ranges = pool.map(\.description).joined(separator: ", ")
      throw .invalidValue(
        field: "ingress",
        reason: "'\(displayable(text, limit: 60))' is no address of the pool (\(ranges)); take one of it")
    }
    return address
  }

  /// All that has an address in a network, or will have.
  private func occupied(_ network: IPv4Network, besides clusters: [DeclaredCluster]) throws(FleetError) -> [(
    what: String, range: IPv4Range
  )] {
    var known = others
    for machine in editor.machines {
      known += try editor.knownAddresses(of: machine)
      let settings = try editor.settings(of: machine)
      if let proxy = settings[["access", "proxyAddress"]]?.text.flatMap({ try? IPv4Address($0) }) {
        known.append(("the reverse proxy that \(machine) names", proxy))
      }
      for kind in DeclaredCluster.Kind.allCases {
        let virtual = settings[["roles", kind.rawValue, "virtualAddress", "address"]]?.text
        if let address = virtual.flatMap({ IPv4Network($0)?.address }) {
          known.append(("the virtual address of \(machine)", address))
        }
      }
    }
    var taken: [(String, IPv4Range)] = []
    for (what, address) in known where network.contains(address) {
      if let range = IPv4Range(first: address, last: address) { taken.append((what, range)) }
    }
    for cluster in clusters {
      for text in cluster.pool { taken.append(("the pool of \(cluster.name)", try IPv4Range(text, field: "pool"))) }
    }
    return taken
  }

  // MARK: More machines

  /// Declares machines as further servers and agents of a cluster. Those that are it already stay as they are.
  /// - Parameter allowsEven: an even number of servers is wished, for a time.
  /// - Throws: ``FleetError`` with what stands against it; nothing is changed then.
  public mutating func join(_ name: String, servers: [String], agents: [String], allowsEven: Bool = false)
    throws(FleetError) -> DeclaredCluster
  {
    let clusters = try DeclaredCluster.all(in: editor)
    guard let cluster = clusters.first(where: { $0.name == name }) else {
      throw .notFound(kind: "cluster", name: displayable(name, limit: 60))
    }
    guard let first = cluster.members.first(where: { $0.kind == .first }), let join = cluster.join else {
      throw .conflict(
        "the cluster '\(name)' has no first server with an address; declare one with the role k3s-server-init")
    }
    guard !(servers + agents).isEmpty else {
      throw .invalidValue(field: "cluster", reason: "name machines with --server or --agent")
    }
    let names = Set(servers + agents)
    let present = cluster.members.filter { member in
      names.contains(member.machine)
        && (member.kind == .agent ? agents : member.kind == .server ? servers : []).contains(member.machine)
    }.map(\.machine)
    let added = servers.count { !present.contains($0) }
    let count = cluster.servers.count + added
    guard count % 2 == 1 || allowsEven || added == 0 else {
      throw .invalidValue(
        field: "server",
        reason:
          "\(count) servers bear the loss of \(count - (count / 2 + 1)), as \(count - 1) do, and one more can fail: "
          + "name one more, or say --even where another follows at once")
    }
    let settings = try editor.settings(of: first.machine)
    let model = settings[["roles", DeclaredCluster.Kind.first.rawValue]] ?? .object([:])
    let peers = model["peers"]?.texts ?? []
    // The virtual address may be at the very server that is new.
    let server = first.address.map(DeclaredCluster.api) ?? join
    var seen: Set<String> = []
    for (machine, kind) in servers.map({ ($0, DeclaredCluster.Kind.server) }) + agents.map({ ($0, .agent) }) {
      guard seen.insert(machine).inserted else { throw .conflict("\(machine) is named twice") }
      if present.contains(machine) { continue }
      try checkFree(machine, clusters)
      let own = try network(of: machine)
      guard peers.compactMap({ IPv4Network($0) }).contains(where: { $0.contains(own.address) }) else {
        throw .invalidValue(
          field: "machines/\(machine).json",
          reason:
            "\(own.address) is in none of the cluster's networks (\(peers.joined(separator: ", "))), so the firewall "
            + "of \(first.machine) keeps it out; add its network to peers of all members")
      }
      var fields: [String: JSONValue] = [
        "token": .text("secret:" + cluster.secret), "join": .text(kind.isServer ? server : join),
        "nodeAddress": .text(own.address.description),
        "peers": .array(peers.map { .text($0) }),
      ]
      if kind == .server {
        // These have to be the same on all servers.
        for field in ["apiAddresses", "disable", "secretsEncryption"] where model[field] != nil {
          fields[field] = model[field]
        }
        if case .object(var virtual)? = model["virtualAddress"] {
          virtual["priority"] = .integer(100)
          fields["virtualAddress"] = .object(virtual)
        }
      }
      try addRole(kind, to: machine)
      try editor.set(.object(fields), at: ["settings", "roles", kind.rawValue], of: machine)
    }
    try declareStorage(of: servers + agents, first: first.machine)
    return try DeclaredCluster.named(name, in: editor)
  }

  // MARK: Machines

  private func checkFree(_ machine: String, _ clusters: [DeclaredCluster]) throws(FleetError) {
    _ = try editor.settings(of: machine)
    if let other = clusters.first(where: { $0.members.contains { $0.machine == machine } }) {
      throw .conflict("\(machine) belongs to the cluster '\(other.name)' already")
    }
  }

  private func network(of machine: String) throws(FleetError) -> IPv4Network {
    guard let network = try editor.addresses(of: machine).first else {
      throw .invalidValue(
        field: "machines/\(machine).json",
        reason: "a machine of a cluster has a fixed IPv4 address; set network.interfaces[0].addresses, as 192.0.2.31/24"
      )
    }
    return network
  }

  private mutating func addRole(_ kind: DeclaredCluster.Kind, to machine: String) throws(FleetError) {
    let roles = try editor.ownRoles(of: machine)
    guard !roles.contains(kind.rawValue) else { return }
    try editor.set(.array((roles + [kind.rawValue]).map { .text($0) }), at: ["roles"], of: machine)
  }
}
