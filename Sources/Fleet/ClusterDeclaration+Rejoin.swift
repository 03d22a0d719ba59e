extension ClusterDeclaration {
  /// Declares at which server of its cluster a machine joins when its system is made anew. What runs is not touched: k3s
  /// looks at it only where it has no state of its own.
  /// - Parameters:
  ///   - machine: a member of a cluster.
  ///   - server: another server of the same cluster; nil: the first other one.
  /// - Throws: ``FleetError`` where there is no such server.
  /// - Returns: the server that it joins.
  public mutating func rejoin(_ machine: String, at server: String? = nil) throws(FleetError) -> DeclaredCluster.Member
  {
    _ = try editor.settings(of: machine)
    let clusters = try DeclaredCluster.all(in: editor)
    guard let cluster = clusters.first(where: { $0.members.contains { $0.machine == machine } }),
      let member = cluster.members.first(where: { $0.machine == machine })
    else { throw .conflict("\(machine) belongs to no cluster of the declaration: bootstead cluster show") }
    let others = cluster.servers.filter { $0.machine != machine && $0.address != nil }
    let names = others.map(\.machine).joined(separator: ", ")
    guard let target = server.map({ name in others.first { $0.machine == name } }) ?? others.first else {
      throw .invalidValue(
        field: "at",
        reason: others.isEmpty
          ? "the cluster '\(cluster.name)' has no other server with an address that \(machine) could join"
          : "'\(displayable(server ?? "", limit: 60))' is no other server of the cluster '\(cluster.name)': it has \(names)"
      )
    }
    guard let address = target.address else { return target }
    try editor.set(
      .text(DeclaredCluster.api(at: address)), at: ["settings", "roles", member.kind.rawValue, "join"], of: machine)
    return target
  }
}

extension DeclaredCluster {
  /// Whether it is what was wished, so that a wish that was carried out by half can go on.
  func fulfils(_ wish: ClusterDeclaration.Wish) throws(FleetError) -> Bool {
    guard members.first(where: { $0.kind == .first })?.machine == wish.first else { return false }
    var wished: [String] = []
    for text in wish.pool { wished.append(try IPv4Range(text, field: "pool").description) }
    return (wished.isEmpty || wished == pool) && (wish.ingress == nil || wish.ingress == ingress)
  }
}
