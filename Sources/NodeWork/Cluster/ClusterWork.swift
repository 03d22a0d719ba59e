import FoundationEssentials
import ProgramRunner

/// What is done to a k3s cluster on one of its servers.
public struct ClusterWork: Sendable {
  public struct DrainOptions: Sendable {
    /// What pods keep in memory or in folders of their own goes with them.
    public var deletesScratch = false
    /// The cluster may stand still: it has too few servers to go on without this one.
    public var acceptsOutage = false
    /// Seconds for all pods to leave.
    public var timeout = 600

    public init() {}
  }

  let runner: any CommandRunner
  let say: @Sendable (String) -> Void
  /// What k3s writes for root.
  let configuration: String

  public init(
    configuration: String = "/etc/rancher/k3s/k3s.yaml", runner: any CommandRunner,
    say: @escaping @Sendable (String) -> Void
  ) {
    (self.configuration, self.runner, self.say) = (configuration, runner, say)
  }

  public func nodes() async throws(NodeWorkError) -> [ClusterNode] {
    try ClusterNode.all(try await kubectl(["get", "nodes", "--output", "json"]).standardOutput)
  }

  /// Has a node's pods move to others, so that it can be restarted. One node at a time, and never so many servers that
  /// the cluster loses its state's majority. Run again it goes on.
  public func drain(_ name: String, options: DrainOptions) async throws(NodeWorkError) {
    let nodes = try await nodes()
    let node = try find(name, in: nodes)
    if let other = nodes.first(where: { $0.isCordoned && $0.name != name }) {
      throw NodeWorkError(
        .services, "\(other.name) is drained already, and one node at a time is",
        advice: "bring it back with 'cluster uncordon \(other.name)', then go on")
    }
    if node.isServer {
      let quorum = ClusterQuorum(nodes, without: name)
      guard quorum.isKept || options.acceptsOutage else {
        throw NodeWorkError(
          .services,
          "without \(name), \(quorum.remaining) of \(quorum.servers) servers are at work, and the cluster needs \(quorum.needed)",
          advice: quorum.servers < 3
            ? "add servers until there are three, or let the cluster stand still meanwhile with --accept-outage"
            : "bring the other servers back first")
      }
    }
    if !node.isServer || nodes.count > 1 {
      let others = nodes.filter { $0.name != name && $0.isReady && !$0.isCordoned }
      guard !others.isEmpty || options.acceptsOutage else {
        throw NodeWorkError(
          .services, "no other node is ready to take what runs on \(name)", advice: "bring another node back first")
      }
    }
    say("draining \(name)")
    var arguments = ["drain", name, "--ignore-daemonsets", "--timeout=\(options.timeout)s"]
    if options.deletesScratch { arguments.append("--delete-emptydir-data") }
    do {
      try await kubectl(arguments, timeout: options.timeout + 60)
    } catch {
      // Half of it helps nobody: what has left stays where it is, and the node takes pods again.
      try await uncordon(name)
      throw NodeWorkError(
        .services, "\(name) was not drained, and takes pods again: \(error.problem)",
        advice: options.deletesScratch
          ? "look which pods stayed, and at their disruption budgets"
          : "where pods with scratch data are named, and that may go, add --delete-scratch")
    }
  }

  /// Lets a node take pods again.
  public func uncordon(_ name: String) async throws(NodeWorkError) {
    _ = try find(name, in: try await nodes())
    try await kubectl(["uncordon", name])
    say("\(name) takes pods again")
  }

  /// Takes a node out of the cluster, so that its machine can join anew with another system. etcd gives its member up with
  /// the node. Run again it goes on.
  public func forget(_ name: String) async throws(NodeWorkError) {
    let nodes = try await nodes()
    if let node = nodes.first(where: { $0.name == name }) {
      guard !node.isReady || node.isCordoned else {
        throw NodeWorkError(
          .services, "\(name) is ready and takes pods: it would lose them, and its place, while it runs",
          advice: "drain it first with 'cluster drain \(name)', or switch it off")
      }
      if node.isServer {
        let quorum = ClusterQuorum(nodes.filter { $0.name != name }, without: name)
        guard quorum.servers > 0 else {
          throw NodeWorkError(.services, "\(name) is the only server: without it there is no cluster")
        }
        guard quorum.isKept else {
          throw NodeWorkError(
            .services,
            "without \(name), \(quorum.remaining) of \(quorum.servers) servers are ready, and \(quorum.needed) have to be",
            advice: "bring the other servers back first")
        }
      }
      say("taking \(name) out of the cluster")
      try await kubectl(["delete", "node", name, "--ignore-not-found", "--timeout=120s"], timeout: 180)
    }
    // k3s removes it with the node; one that it left keeps the new system out ("Node password rejected").
    try await kubectl([
      "delete", "secret", name + ".node-password.k3s", "--namespace", "kube-system", "--ignore-not-found",
    ])
    say("\(name) is forgotten")
  }

  /// The configuration that lets its holder do everything in the cluster.
  /// - Parameter server: where the API is reached from outside, as `https://192.0.2.30:6443`.
  public func kubeconfig(server: String) throws(NodeWorkError) -> [UInt8] {
    let rest = server.hasPrefix("https://") ? server.dropFirst("https://".count) : ""
    guard !rest.isEmpty, rest.allSatisfy({ $0.isASCII && ($0.isLetter || $0.isNumber || ".:-[]".contains($0)) }) else {
      throw NodeWorkError(
        .configuration, "'\(server)' is no address of an API", advice: "write https://192.0.2.30:6443")
    }
    guard let bytes = try DurableFile.bytes(of: configuration) else {
      throw NodeWorkError(
        .file, "there is no \(configuration)", advice: "run this on a server of the cluster, once k3s has started")
    }
    var count = 0
    let lines = String(decoding: bytes, as: UTF8.self).split(separator: "\n", omittingEmptySubsequences: false).map {
      line -> String in
      let field = line.drop { $0 == " " }
      guard field.hasPrefix("server: ") else { return String(line) }
      count += 1
      return line.prefix(line.count - field.count) + "server: " + server
    }
    guard count == 1 else {
      throw NodeWorkError(.configuration, "\(configuration) names \(count) servers, not one")
    }
    return Array(lines.joined(separator: "\n").utf8)
  }

  private func find(_ name: String, in nodes: [ClusterNode]) throws(NodeWorkError) -> ClusterNode {
    guard let node = nodes.first(where: { $0.name == name }) else {
      throw NodeWorkError(
        .unknownStack, "the cluster has no node '\(name)'",
        advice: "it has \(nodes.map(\.name).joined(separator: ", "))")
    }
    return node
  }

  @discardableResult
  private func kubectl(_ arguments: [String], timeout: Int = 60) async throws(NodeWorkError) -> CommandOutput {
    try await runner.work(Command("k3s", ["kubectl"] + arguments, timeout: .seconds(timeout)))
  }
}
