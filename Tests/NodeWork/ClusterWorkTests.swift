import Foundation
import NodeWork
import ProgramTestSupport
import Testing

/// kubectl's answers are played: no k3s runs on this host.
@Suite("Work on a cluster")
struct ClusterWorkTests {
  private struct Node {
    var name: String
    var isServer = true
    var isReady = true
    var isCordoned = false
  }

  private func runner(_ nodes: [Node], failing: [String: String] = [:]) -> RecordedRunner {
    let items = nodes.map { node in
      """
      {"metadata":{"name":"\(node.name)","labels":{"kubernetes.io/hostname":"\(node.name)"\
      \(node.isServer ? #","node-role.kubernetes.io/etcd":"true""# : "")}},
      "spec":{\(node.isCordoned ? #""unschedulable":true"# : "")},
      "status":{"conditions":[{"type":"MemoryPressure","status":"False"},{"type":"Ready","status":"\(node.isReady ? "True" : "Unknown")"}],
      "nodeInfo":{"kubeletVersion":"v1.33.4+k3s1"},"addresses":[{"type":"Hostname","address":"x"},{"type":"InternalIP","address":"192.0.2.31"}]}}
      """
    }
    return RecordedRunner(
      ["k3s kubectl get nodes": #"{"kind":"List","items":[\#(items.joined(separator: ","))]}"#], failing: failing)
  }

  private func work(_ runner: RecordedRunner, _ file: String = "/none") -> ClusterWork {
    ClusterWork(configuration: file, runner: runner, say: { _ in })
  }

  static let three = ["c1", "c2", "c3"]

  @Test("Nodes are read with their roles, servers first")
  func nodes() async throws {
    let runner = runner([
      Node(name: "w1", isServer: false, isCordoned: true), Node(name: "c2", isReady: false), Node(name: "c1"),
    ])
    let nodes = try await work(runner).nodes()
    #expect(nodes.map(\.name) == ["c1", "c2", "w1"])
    #expect(nodes.map(\.isServer) == [true, true, false] && nodes.map(\.isReady) == [true, false, true])
    #expect(nodes.map(\.isCordoned) == [false, false, true])
    #expect(nodes.first?.version == "v1.33.4+k3s1" && nodes.first?.address == "192.0.2.31")
    await #expect(throws: NodeWorkError.self) { try await work(RecordedRunner()).nodes() }
  }

  @Test("A server of three is drained, and so is an agent beside one server")
  func drain() async throws {
    let servers = runner(Self.three.map { Node(name: $0) })
    try await work(servers).drain("c2", options: .init())
    #expect(servers.commands.last == "k3s kubectl drain c2 --ignore-daemonsets --timeout=600s")
    let agent = runner([Node(name: "c1"), Node(name: "w1", isServer: false)])
    var options = ClusterWork.DrainOptions()
    options.deletesScratch = true
    try await work(agent).drain("w1", options: options)
    #expect(agent.commands.last == "k3s kubectl drain w1 --ignore-daemonsets --timeout=600s --delete-emptydir-data")
  }

  @Test("Where the majority would be lost, or a second node is away, nothing is drained")
  func refused() async throws {
    let cases: [([Node], String, String)] = [
      ([Node(name: "c1")], "c1", "needs 1"),
      ([Node(name: "c1"), Node(name: "c2")], "c1", "1 of 2 servers"),
      ([Node(name: "c1"), Node(name: "c2", isReady: false), Node(name: "c3")], "c1", "1 of 3 servers"),
      ([Node(name: "c1"), Node(name: "c2", isCordoned: true), Node(name: "c3")], "c1", "c2 is drained already"),
      ([Node(name: "c1"), Node(name: "w1", isServer: false, isCordoned: true)], "c1", "w1 is drained already"),
      ([Node(name: "c1", isReady: false), Node(name: "w1", isServer: false)], "w1", "no other node is ready"),
      ([Node(name: "c1")], "c9", "no node 'c9'"),
    ]
    for (nodes, name, reason) in cases {
      let runner = runner(nodes)
      do {
        try await work(runner).drain(name, options: .init())
        Issue.record("\(name) was drained")
      } catch {
        #expect("\(error)".contains(reason), "\(error)")
      }
      #expect(runner.commands.allSatisfy { $0.hasPrefix("k3s kubectl get") })
    }
    var options = ClusterWork.DrainOptions()
    options.acceptsOutage = true
    let alone = runner([Node(name: "c1")])
    try await work(alone).drain("c1", options: options)
    #expect(alone.commands.last?.hasPrefix("k3s kubectl drain c1") == true)
  }

  @Test("A node that is drained already may be drained again, and one that can not be takes pods again")
  func again() async throws {
    let once = runner([Node(name: "c1"), Node(name: "c2", isCordoned: true), Node(name: "c3")])
    try await work(once).drain("c2", options: .init())
    let failing = runner(
      Self.three.map { Node(name: $0) }, failing: ["k3s kubectl drain": "cannot delete Pods with local storage"])
    await #expect(throws: NodeWorkError.self) { try await work(failing).drain("c1", options: .init()) }
    #expect(failing.commands.last == "k3s kubectl uncordon c1")
  }

  @Test("A node that is off or drained is forgotten with its password; again it is only the password")
  func forget() async throws {
    let gone = [
      "k3s kubectl delete node c2 --ignore-not-found --timeout=120s",
      "k3s kubectl delete secret c2.node-password.k3s --namespace kube-system --ignore-not-found",
    ]
    for node in [Node(name: "c2", isReady: false), Node(name: "c2", isCordoned: true)] {
      let runner = runner([Node(name: "c1"), node, Node(name: "c3")])
      try await work(runner).forget("c2")
      #expect(Array(runner.commands.dropFirst()) == gone)
    }
    let agent = runner([Node(name: "c1"), Node(name: "c2", isServer: false, isReady: false)])
    try await work(agent).forget("c2")
    #expect(Array(agent.commands.dropFirst()) == gone)
    let again = runner([Node(name: "c1")])
    try await work(again).forget("c2")
    #expect(Array(again.commands.dropFirst()) == [gone[1]])
    let failing = runner(
      [Node(name: "c1"), Node(name: "c2", isServer: false, isReady: false)],
      failing: ["k3s kubectl delete node": "timed out"])
    await #expect(throws: NodeWorkError.self) { try await work(failing).forget("c2") }
    #expect(!failing.commands.contains(gone[1]))
  }

  @Test("A node at work is not forgotten, nor the last server, nor one that the others' majority needs")
  func notForgotten() async throws {
    let cases: [([Node], String)] = [
      ([Node(name: "c1"), Node(name: "c2"), Node(name: "c3")], "ready and takes pods"),
      ([Node(name: "w1", isServer: false), Node(name: "c2", isCordoned: true)], "the only server"),
      (
        [Node(name: "c1", isReady: false), Node(name: "c2", isCordoned: true), Node(name: "c3")],
        "1 of 2 servers are ready"
      ),
    ]
    for (nodes, reason) in cases {
      let runner = runner(nodes)
      do {
        try await work(runner).forget("c2")
        Issue.record("c2 was forgotten")
      } catch {
        #expect("\(error)".contains(reason), "\(error)")
      }
      #expect(runner.commands.count == 1)
    }
  }

  @Test("The administration file names the address from outside; other forms are refused")
  func kubeconfig() throws {
    let folder = try TemporaryDirectory()
    let file = folder.file("k3s.yaml")
    let text = "clusters:\n- cluster:\n    server: https://127.0.0.1:6443\n  name: default\nusers: []\n"
    try Data(text.utf8).write(to: URL(fileURLWithPath: file))
    let work = work(RecordedRunner(), file)
    #expect(
      String(decoding: try work.kubeconfig(server: "https://192.0.2.30:6443"), as: UTF8.self)
        == text.replacing("https://127.0.0.1:6443", with: "https://192.0.2.30:6443"))
    for server in ["http://192.0.2.30", "https://", "https://a\nusers: x", ""] {
      #expect(throws: NodeWorkError.self) { try work.kubeconfig(server: server) }
    }
    try Data("clusters: []\n".utf8).write(to: URL(fileURLWithPath: file))
    #expect(throws: NodeWorkError.self) { try work.kubeconfig(server: "https://192.0.2.30:6443") }
    #expect(throws: NodeWorkError.self) {
      try self.work(RecordedRunner()).kubeconfig(server: "https://192.0.2.30:6443")
    }
  }
}
