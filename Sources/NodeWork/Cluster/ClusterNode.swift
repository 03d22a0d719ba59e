import FoundationEssentials

/// A node as Kubernetes knows it.
public struct ClusterNode: Codable, Sendable, Hashable {
  public var name: String
  /// It keeps the cluster's state, in etcd.
  public var isServer: Bool
  public var isReady: Bool
  /// It takes no new pods.
  public var isCordoned: Bool
  /// Of k3s, as `v1.33.4+k3s1`.
  public var version: String
  public var address: String?

  /// - Parameter json: what `kubectl get nodes --output json` prints.
  static func all(_ json: String) throws(NodeWorkError) -> [ClusterNode] {
    let list: List
    do {
      list = try JSONDecoder().decode(List.self, from: Data(json.utf8))
    } catch {
      throw NodeWorkError(
        .command, "the cluster's list of nodes can not be read", advice: "look at 'k3s kubectl get nodes --output json'"
      )
    }
    return list.items.map { item in
      ClusterNode(
        name: item.metadata.name, isServer: item.metadata.labels?["node-role.kubernetes.io/etcd"] == "true",
        isReady: item.status.conditions?.contains { $0.type == "Ready" && $0.status == "True" } ?? false,
        isCordoned: item.spec?.unschedulable ?? false, version: item.status.nodeInfo?.kubeletVersion ?? "",
        address: item.status.addresses?.first { $0.type == "InternalIP" }?.address)
    }.sorted { ($0.isServer ? 0 : 1, $0.name) < ($1.isServer ? 0 : 1, $1.name) }
  }

  private struct List: Decodable { var items: [Item] }
  private struct Item: Decodable {
    struct Metadata: Decodable {
      var name: String
      var labels: [String: String]?
    }
    struct Spec: Decodable { var unschedulable: Bool? }
    struct Status: Decodable {
      struct Condition: Decodable {
        var type: String
        var status: String
      }
      struct Information: Decodable { var kubeletVersion: String }
      struct Address: Decodable {
        var type: String
        var address: String
      }
      var conditions: [Condition]?
      var nodeInfo: Information?
      var addresses: [Address]?
    }
    var metadata: Metadata
    var spec: Spec?
    var status: Status
  }
}

/// Whether a cluster goes on without one of its servers.
public struct ClusterQuorum: Sendable, Hashable {
  public var servers: Int
  /// Those that are at work, without the one that is to stop.
  public var remaining: Int
  /// Servers that have to live: more than half of all.
  public var needed: Int { servers / 2 + 1 }

  public init(_ nodes: [ClusterNode], without name: String) {
    let all = nodes.filter(\.isServer)
    (servers, remaining) = (all.count, all.count { $0.isReady && $0.name != name })
  }

  public var isKept: Bool { remaining >= needed }
}
