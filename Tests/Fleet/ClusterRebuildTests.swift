import Fleet
import Foundation
import Testing

@Suite("Rebuilding and changing the servers of a cluster", .timeLimit(.minutes(10)))
struct ClusterRebuildTests {
  private typealias Node = RolloutTests.Node

  private static let layout = String(repeating: "0", count: 64)

  /// Makes a machine of the registry a member of the cluster 'home'.
  private func declare(_ registry: Registry, _ number: Int, _ role: String, join: String? = nil) throws {
    let joins = join.map { #","join":"\#($0)""# } ?? ""
    let choices = """
      {"modules":[],"settings":{"roles":{"\(role)":{"token":"secret:k3s-home","nodeAddress":"192.0.2.3\(number)"\(joins)}}}}
      """
    _ = try registry.sql(
      "UPDATE machine SET role = '\(role)', choices = '\(choices)' WHERE name = 'node\(number)' RETURNING name",
      as: String.self)
  }

  private func servers(_ registry: Registry, _ count: Int) async throws -> [Node] {
    var nodes: [Node] = []
    for number in 1...count {
      nodes.append(try await Node(registry, "node\(number)", mac: "52:54:00:00:00:0\(number)"))
      try declare(
        registry, number, number == 1 ? "k3s-server-init" : "k3s-server",
        join: number == 1 ? nil : "https://192.0.2.31:6443")
    }
    return nodes
  }

  private func build(_ registry: Registry, join: String?) async throws {
    try await registry.fleet.record(
      build: "f", nixpkgs: nil, closure: Registry.closure, layout: Self.layout, clusterJoin: join, of: "node1")
  }

  private func refused(_ registry: Registry, _ name: String = "node1", outage: Bool = false) async -> String? {
    var request = RebuildRequest()
    request.acceptsOutage = outage
    return await refusal { _ = try await registry.fleet.previewRebuild(name, request) }.map { "\($0)" }
  }

  @Test("The first server is not rebuilt before it is declared and built to join another one")
  func first() async throws {
    let registry = try Registry()
    _ = try await servers(registry, 3)
    let bare = await refused(registry, outage: true)
    #expect(
      bare?.contains("second, empty cluster") == true && bare?.contains("cluster rejoin node1") == true, "\(bare ?? "")"
    )
    try declare(registry, 1, "k3s-server-init", join: "https://192.0.2.99:6443")
    #expect(await refused(registry)?.contains("192.0.2.99") == true)
    let join = "https://192.0.2.32:6443"
    try declare(registry, 1, "k3s-server-init", join: join)
    // What came in another way is taken as it is, and said.
    let unknown = try await registry.fleet.previewRebuild("node1", RebuildRequest())
    #expect(unknown.notes.contains { $0.contains("not known whether") })
    try await build(registry, join: nil)
    #expect(await refused(registry)?.contains("bootstead build node1") == true)
    try await build(registry, join: join)
    let preview = try await registry.fleet.previewRebuild("node1", RebuildRequest())
    #expect(preview.notes.contains { $0.contains("bootstead cluster forget node1") })
    #expect(!preview.notes.contains { $0.contains("not known whether") } && preview.lost.isEmpty)
    var request = RebuildRequest()
    request.digest = preview.digest
    #expect(try await registry.fleet.rebuild("node1", request).machine.state == .armed)
  }

  @Test("Servers that were never installed are no cluster; that of a first server alone is lost with it")
  func alone() async throws {
    let registry = try Registry()
    _ = try await servers(registry, 1)
    try await registry.add("node2", macs: ["52:54:00:00:00:02"])
    try declare(registry, 2, "k3s-server", join: "https://192.0.2.31:6443")
    let preview = try await registry.fleet.previewRebuild("node1", RebuildRequest())
    #expect(preview.lost.count == 1 && preview.text.contains("LOST        the state of the cluster 'home'"))
    #expect(preview.notes.allSatisfy { !$0.contains("forget") })
  }

  @Test("While another server is away, one more is rebuilt only where the outage is accepted; agents always are")
  func majority() async throws {
    let registry = try Registry()
    _ = try await servers(registry, 3)
    _ = try await Node(registry, "node4", mac: "52:54:00:00:00:04")
    try declare(registry, 4, "k3s-agent", join: "https://192.0.2.31:6443")
    var request = RebuildRequest()
    request.digest = try await registry.fleet.previewRebuild("node2", request).digest
    _ = try await registry.fleet.rebuild("node2", request)
    let second = await refused(registry, "node3")
    #expect(
      second?.contains("1 of the 3 servers") == true && second?.contains("node2: it is armed") == true,
      "\(second ?? "")")
    #expect(await refused(registry, "node3", outage: true) == nil)
    // It is armed already, and may be armed otherwise.
    let agent = try await registry.fleet.previewRebuild("node4", RebuildRequest())
    #expect(agent.notes.contains { $0.contains("bootstead cluster forget node4") })
    registry.pass(seconds: 3600)
    #expect(await refused(registry, "node3")?.contains("0 of the 3 servers") == true)
  }

  @Test("With two servers the way is named: forget it first")
  func two() async throws {
    let registry = try Registry()
    _ = try await servers(registry, 2)
    let reason = await refused(registry, "node2")
    #expect(reason?.contains("drain and forget it first") == true, "\(reason ?? "")")
    #expect(await refused(registry, "node2", outage: true) == nil)
  }

  @Test("Where the server that it joins is away, the plan says so")
  func away() async throws {
    let registry = try Registry()
    let nodes = try await servers(registry, 3)
    try declare(registry, 1, "k3s-server-init", join: "https://192.0.2.32:6443")
    try await build(registry, join: "https://192.0.2.32:6443")
    var request = RebuildRequest()
    request.digest = try await registry.fleet.previewRebuild("node1", request).digest
    _ = try await registry.fleet.rebuild("node1", request)
    request = RebuildRequest()
    request.acceptsOutage = true
    let preview = try await registry.fleet.previewRebuild("node2", request)
    #expect(preview.notes.contains { $0.contains("joins at node1, which is armed: bootstead cluster rejoin node2") })
    #expect(nodes.count == 3)
  }

  private func plan(_ registry: Registry, _ machines: [String]) async throws -> RolloutPlan {
    try await registry.fleet.planRollout(RolloutRequest(kind: .apply, machines: machines))
  }

  @Test("Servers of one cluster change their systems one at a time, and the rest of the fleet goes on")
  func rollouts() async throws {
    let registry = try Registry()
    let nodes = try await servers(registry, 3)
    let nas = try await Node(registry, "nas", mac: "52:54:00:00:00:09")
    for node in nodes + [nas] { try await node.set(RolloutTests.second) }
    let all = try await plan(registry, [])
    #expect(all.steps.filter { $0.action == .change }.map(\.machine) == ["nas"])
    #expect(
      all.steps.filter { $0.action == .nothing }.allSatisfy { $0.reason?.contains("cluster upgrade home") == true })
    let two = try await plan(registry, ["node1", "nas", "node3"])
    #expect(two.steps.map(\.action) == [.refused, .change, .refused])
    var request = RolloutRequest(kind: .apply, machines: ["node1", "node3"])
    request.digest = try await plan(registry, ["node1", "node3"]).digest
    let refused = request
    #expect(await refusal { _ = try await registry.fleet.orderRollout(refused) } != nil)

    #expect(try await plan(registry, ["node2"]).steps.map(\.action) == [.change])
    request = RolloutRequest(kind: .apply, machines: ["node2"])
    request.digest = try await plan(registry, ["node2"]).digest
    _ = try await registry.fleet.orderRollout(request)
    let next = try await plan(registry, ["node3"])
    #expect(next.steps.first?.action == .refused && next.steps.first?.reason?.contains("node2") == true)
    // The order to the same machine may be given anew.
    #expect(try await plan(registry, ["node2"]).steps.map(\.action) == [.change])
    var changing = nodes[1]
    try await changing.obey()
    #expect(try await plan(registry, ["node3"]).steps.map(\.action) == [.change])
  }
}
