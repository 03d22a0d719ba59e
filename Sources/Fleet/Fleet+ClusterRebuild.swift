import Foundation
import GRDB

extension Fleet {
  /// What a rebuild means for the k3s cluster of its machine, a line each.
  struct ClusterRebuild {
    var notes: [String] = []
    var lost: [String] = []
  }

  /// The k3s clusters of the registered machines.
  func clusters(in database: Database) throws -> [DeclaredCluster] {
    DeclaredCluster.all(
      try Machine.order(sql: "name").fetchAll(database).map { machine in
        let addresses = machine.choices.network?.interfaces?.flatMap { $0.addresses ?? [] } ?? []
        return DeclaredCluster.Source(
          machine: machine.name.text, roles: machine.roles, settings: .object(machine.choices.settings),
          address: addresses.first { $0.contains(".") }.map { String($0.prefix { $0 != "/" }) })
      })
  }

  /// - Throws: ``FleetError/conflict(_:)`` where the machine would begin a second cluster beside the one that there is, and
  ///   where the servers that stay have no majority.
  func clusterRebuild(of machine: Machine, _ request: RebuildRequest, in database: Database) throws -> ClusterRebuild {
    let name = machine.name.text
    guard let cluster = try clusters(in: database).first(where: { $0.members.contains { $0.machine == name } }),
      let member = cluster.members.first(where: { $0.machine == name })
    else { return ClusterRebuild() }
    var others: [(member: DeclaredCluster.Member, machine: Machine)] = []
    for server in cluster.servers where server.machine != name {
      let other = try find(server.machine, in: database)
      // A server that was never installed is in no cluster yet.
      if other.finishedInstall != nil { others.append((server, other)) }
    }
    guard !others.isEmpty else { return alone(member, of: cluster) }
    var isKnown = true
    if member.kind == .first {
      isKnown = try checkJoins(member, cluster, others.map(\.member), machine, request, in: database)
    }
    if member.kind.isServer, !request.acceptsOutage {
      try checkMajority(without: name, of: cluster, others.map(\.machine), in: database)
    }
    var answer = ClusterRebuild()
    answer.notes.append(
      "the cluster '\(cluster.name)' knows \(name) by the password of its old system: when it has left that, "
        + "bootstead cluster forget \(name), so that it is let in again")
    let join = member.join ?? ""
    if !isKnown {
      answer.notes.append(
        "its system was not built here, so it is not known whether it joins at \(join); one that does not begins a second, "
          + "empty cluster")
    }
    if let other = others.first(where: { $0.member.joins(at: join) }), other.machine.state != .active {
      answer.notes.append(
        "it joins at \(other.member.machine), which is \(other.machine.state.rawValue): bootstead cluster rejoin \(name) "
          + "-f DIR lets it join at another server")
    }
    return answer
  }

  private func alone(_ member: DeclaredCluster.Member, of cluster: DeclaredCluster) -> ClusterRebuild {
    guard member.kind.isServer else { return ClusterRebuild() }
    return ClusterRebuild(lost: [
      "the state of the cluster '\(cluster.name)': \(member.machine) is its only server, and etcd is on the system's file "
        + "system; agents are let in again when their systems are new too"
    ])
  }

  /// - Returns: false where nobody knows what the system was built to do.
  ///
  /// k3s begins a new cluster where it has no state and no server to join at
  /// (https://github.com/k3s-io/k3s, pkg/cluster/bootstrap.go).
  private func checkJoins(
    _ member: DeclaredCluster.Member, _ cluster: DeclaredCluster, _ others: [DeclaredCluster.Member],
    _ machine: Machine, _ request: RebuildRequest, in database: Database
  ) throws -> Bool {
    let name = member.machine
    let names = others.map(\.machine).joined(separator: ", ")
    let steps = "bootstead cluster rejoin \(name) -f DIR, then bootstead build \(name)"
    func refuse(_ reason: String, _ steps: String) -> FleetError {
      .conflict(
        "'\(name)' began the cluster '\(cluster.name)', which lives on \(names): \(reason), and begin a second, empty "
          + "cluster at the address where the others join; nothing was changed: \(steps)")
    }
    guard let join = member.join else { throw refuse("made anew it would join nobody", steps) }
    guard others.contains(where: { $0.joins(at: join) }) else {
      throw refuse(
        "it is declared to join at \(displayable(join, limit: 80)), which is none of them; it might wait for ever",
        steps)
    }
    // Without one the machine builds it from what is declared now.
    guard let closure = request.closure ?? machine.closure else { return true }
    guard
      let row = try Row.fetchOne(
        database,
        sql: "SELECT clusterJoin, onMachine FROM build WHERE machine = ? AND closure = ? ORDER BY id DESC LIMIT 1",
        arguments: [machine.id, closure])
    else { return false }
    // What is built on the machine is built from what is declared now.
    if row["onMachine"] { return true }
    let built: String? = row["clusterJoin"]
    guard built != nil else {
      throw refuse(
        "the system that is set for it was built before it was declared to join at \(join); it would join nobody",
        "bootstead build \(name)")
    }
    return true
  }

  private func checkMajority(
    without name: String, of cluster: DeclaredCluster, _ others: [Machine], in database: Database
  ) throws {
    let now = now()
    let standings = try others.map { other in
      other.standing(now: now, isChanging: try !openRollouts(of: other, in: database).isEmpty)
    }
    let well = standings.filter(\.isWell)
    let all = others.count + 1
    guard well.count < all / 2 + 1 else { return }
    let unwell = standings.filter { !$0.isWell }.map { "\($0.machine): \($0.reason ?? "not well")" }
    throw FleetError.conflict(
      "without '\(name)', \(well.count) of the \(all) servers of the cluster '\(cluster.name)' are well, and \(all / 2 + 1) "
        + "have to be" + (unwell.isEmpty ? "" : " (\(unwell.joined(separator: "; ")))")
        + ": the cluster would stand still. Rebuild servers one at a time"
        + (all == 2 ? "; drain and forget it first (bootstead cluster drain, bootstead cluster forget)" : "")
        + ", or say --accept-outage")
  }

  /// One server of a cluster at a time changes its system: more of them, and it stands still.
  func keepServersApart(_ steps: inout [RolloutPlan.Step], isNamed: Bool, in database: Database) throws {
    guard steps.contains(where: { $0.action == .change }) else { return }
    for cluster in try clusters(in: database) where cluster.servers.count > 1 {
      var changing: [String] = []
      var away: [String: String] = [:]
      for server in cluster.servers {
        let machine = try find(server.machine, in: database)
        if steps.contains(where: { $0.machine == server.machine && $0.action == .change }) {
          changing.append(server.machine)
        } else if machine.finishedInstall != nil {
          let isChanging = try !openRollouts(of: machine, in: database).isEmpty
          if isChanging || machine.state != .active {
            away[server.machine] = isChanging ? "it is changing its system" : "it is \(machine.state.rawValue)"
          }
        }
      }
      for index in steps.indices where changing.contains(steps[index].machine) {
        let name = steps[index].machine
        let reason: String
        if let other = changing.first(where: { $0 != name }) {
          reason = "\(other) is a server of the cluster '\(cluster.name)' too, and one of them at a time changes"
        } else if let other = away.min(by: { $0.key < $1.key }) {
          reason = "\(other.key), a server of the cluster '\(cluster.name)' too, is away (\(other.value))"
        } else {
          continue
        }
        steps[index].action = isNamed ? .refused : .nothing
        steps[index].reason = "\(reason): bootstead cluster upgrade \(cluster.name)"
      }
    }
  }
}

extension DeclaredCluster.Member {
  /// Whether an address of an API, as `https://192.0.2.32:6443`, is this machine's own.
  func joins(at join: String) -> Bool {
    guard let address else { return false }
    return join == DeclaredCluster.api(at: address)
  }
}
