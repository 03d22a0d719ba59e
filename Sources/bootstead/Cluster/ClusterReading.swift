import AgentProtocol
import Fleet
import Foundation

/// What a cluster's server says of the nodes.
struct ClusterReading: Sendable {
  struct Node: Decodable, Sendable {
    var name: String
    var isServer: Bool
    var isReady: Bool
    var version: String
  }

  let nodes: [Node]

  /// Asks a server of the cluster.
  /// - Throws: where it does not answer within three minutes, or Kubernetes does not.
  static func read(on server: String, _ client: ApplianceClient) async throws -> ClusterReading {
    var request = QueueTask(.clusterNodes)
    request.wantsJSON = true
    var detail: TaskDetail = try await client.send("POST", "/v1/machines/\(pathComponent(server))/tasks", request)
    let end = ContinuousClock.now + .seconds(180)
    while !detail.task.state.isFinal {
      guard ContinuousClock.now < end else {
        throw CommandFailure.failed(
          "\(server) was asked for the cluster's nodes and does not answer: bootstead task show \(detail.task.identifier)"
        )
      }
      try await Task.sleep(for: .seconds(1))
      detail = try await client.get("/v1/tasks/\(detail.task.identifier)")
    }
    // It ends with 1 where a node is not ready, and lists them all.
    guard let output = detail.task.output,
      let nodes = try? JSONDecoder().decode([Node].self, from: Data(output.utf8)), !nodes.isEmpty
    else {
      throw CommandFailure.failed(
        "Kubernetes on \(server) does not answer: \(detail.task.messages ?? detail.task.reason ?? "no reason given")")
    }
    return ClusterReading(nodes: nodes)
  }

  /// Whether Kubernetes says that a node is ready.
  func isReady(_ machine: String) -> Bool { nodes.contains { $0.name == machine && $0.isReady } }

  /// Why a node must not be taken away now.
  func refusal(of machine: String, in cluster: String) -> String? {
    guard let other = nodes.first(where: { $0.name != machine && !$0.isReady }) else { return nil }
    return
      "Kubernetes says that \(other.name) is not ready; see to it first, or forget it if it is gone: bootstead cluster "
      + "nodes \(cluster)"
  }

  /// Why a node must not change to a version.
  /// - Parameter wanted: the k3s of its new system; nil where that is not known.
  func refusal(of machine: String, to wanted: KubernetesVersion?) -> String? {
    let running = nodes.filter { $0.isServer || $0.name == machine }.compactMap { KubernetesVersion($0.version) }
    return wanted?.refusal(after: running)
  }
}
