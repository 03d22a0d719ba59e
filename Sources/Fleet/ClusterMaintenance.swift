import Foundation

/// In which order a cluster's machines change, and when one must not be taken away.
public struct ClusterMaintenance: Sendable {
  /// A member as the registry knows it now.
  public struct Standing: Sendable, Hashable {
    public var machine: String
    /// It is active, reported lately, and is not changing.
    public var isWell: Bool
    /// Why not.
    public var reason: String?

    public init(machine: String, isWell: Bool, reason: String? = nil) {
      (self.machine, self.isWell, self.reason) = (machine, isWell, reason)
    }
  }

  /// Seconds after which a node that did not report is not taken for well: three reports were missed.
  public static let silence = TimeInterval(3 * Fleet.reportInterval)

  public let cluster: DeclaredCluster

  public init(_ cluster: DeclaredCluster) { self.cluster = cluster }

  /// Servers before agents, as Kubernetes wants it: nodes are never newer than the API. The first server goes last of
  /// the servers: others may be joining there.
  public var order: [String] {
    let servers = cluster.servers
    return (servers.filter { $0.kind != .first } + servers.filter { $0.kind == .first }).map(\.machine)
      + cluster.members.filter { !$0.kind.isServer }.map(\.machine)
  }

  /// Why a member must not be taken away now.
  /// - Parameters:
  ///   - standings: of all members.
  ///   - acceptsOutage: the cluster may stand still meanwhile.
  /// - Returns: nil where it may.
  public func refusal(of machine: String, _ standings: [Standing], acceptsOutage: Bool) -> String? {
    guard let member = cluster.members.first(where: { $0.machine == machine }) else {
      return "\(machine) does not belong to the cluster '\(cluster.name)'"
    }
    let well = Set(standings.filter(\.isWell).map(\.machine))
    // Two are away at once otherwise, whatever they are.
    if let other = cluster.members.first(where: { $0.machine != machine && !well.contains($0.machine) }) {
      let reason = standings.first { $0.machine == other.machine }?.reason ?? "it is not known"
      return "\(other.machine) is not well (\(reason)), and one machine at a time is away; see to it first"
    }
    guard member.kind.isServer, !acceptsOutage else { return nil }
    let remaining = cluster.servers.count { $0.machine != machine && well.contains($0.machine) }
    guard remaining < cluster.quorum else { return nil }
    return
      "without \(machine), \(remaining) of \(cluster.servers.count) servers are left, and \(cluster.quorum) have to live: "
      + "the cluster would stand still; join servers until there are three, or say --accept-outage"
  }
}

extension Machine {
  /// How it stands as a member of a cluster.
  /// - Parameter isChanging: an order to change its system has not ended.
  public func standing(now: Date, isChanging: Bool) -> ClusterMaintenance.Standing {
    let reason: String?
    if state != .active {
      reason = "it is \(state.rawValue)"
    } else if isChanging {
      reason = "it is changing its system"
    } else if let reportedAt, now.timeIntervalSince(reportedAt) <= ClusterMaintenance.silence {
      reason = nil
    } else {
      reason = "it has not reported lately"
    }
    return ClusterMaintenance.Standing(machine: name.text, isWell: reason == nil, reason: reason)
  }
}
