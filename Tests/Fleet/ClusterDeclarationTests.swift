import Fleet
import Foundation
import NetworkAddress
import Testing

@Suite("Clusters in a declared fleet")
struct ClusterDeclarationTests {
  private func machine(_ address: String, _ more: String = "") -> String {
    """
    { "addresses": ["52:54:00:00:00:01"], "roles": ["base-hardened"]\(more),
      "network": { "interfaces": [{ "mac": "52:54:00:00:00:01", "addresses": ["\(address)", "2001:db8::1/64"],
        "gateway": "192.0.2.1", "nameServers": ["192.0.2.53"] }] } }
    """
  }

  private func editor(_ files: [String: String] = [:]) -> DeclarationEditor {
    var all = [
      "fleet.json": #"{"roles":["base-hardened"],"settings":{"access":{"proxyAddress":"192.0.2.60"}}}"#,
      "machines/control-1.json": machine("192.0.2.31/24"), "machines/control-2.json": machine("192.0.2.32/24"),
      "machines/control-3.json": machine("192.0.2.33/24"), "machines/worker-1.json": machine("192.0.2.41/24"),
      "machines/nas.json": machine("192.0.2.230/24"), "machines/far.json": machine("198.51.100.5/24"),
      "machines/dhcp.json": #"{"addresses":["52:54:00:00:00:09"]}"#,
    ]
    all.merge(files) { $1 }
    return DeclarationEditor(DeclaredFiles(all.mapValues { Data($0.utf8) }))
  }

  private func made(_ wish: ClusterDeclaration.Wish? = nil) throws -> ClusterDeclaration {
    var declaration = ClusterDeclaration(editor(), others: [("the appliance", IPv4Address(192, 0, 2, 2))])
    _ = try declaration.create(
      wish ?? .init(name: "home", first: "control-1", pool: ["192.0.2.200-192.0.2.220"]))
    return declaration
  }

  @Test("A new cluster has its first server, its token, its network, its pool and an address for routes")
  func create() throws {
    let declaration = try made()
    let cluster = try DeclaredCluster.named("home", in: declaration.editor)
    #expect(cluster.members.map(\.machine) == ["control-1"])
    #expect(cluster.secret == "k3s-home" && cluster.join == "https://192.0.2.31:6443")
    #expect(cluster.pool == ["192.0.2.200-192.0.2.220"] && cluster.ingress == "192.0.2.200")
    #expect(declaration.editor.changed == ["machines/control-1.json"])
    let settings = try declaration.editor.settings(of: "control-1")
    #expect(settings[["roles", "k3s-server-init", "token"]]?.text == "secret:k3s-home")
    #expect(settings[["roles", "k3s-server-init", "peers"]]?.texts == ["192.0.2.0/24"])
    #expect(settings[["access", "k8s-ingress", "enable"]]?.isTrue == true)
    #expect(try declaration.editor.roles(of: "control-1") == ["base-hardened", "k3s-server-init"])
  }

  @Test(
    "A pool that somebody else has an address of is refused, with whose it is",
    arguments: [
      ("192.0.2.220-192.0.2.240", "the machine nas"), ("192.0.2.1", "router"),
      ("192.0.2.50-192.0.2.55", "name server"), ("192.0.2.58-192.0.2.62", "reverse proxy"),
      ("192.0.2.2", "the appliance"), ("192.0.2.100-192.0.2.120", "DHCP"),
      ("192.0.2.30-192.0.2.32", "the machine control-"),
      ("198.51.100.10-198.51.100.20", "is not of 192.0.2.0/24"), ("192.0.2.250-192.0.2.255", "is not of"),
      ("192.0.2.9-192.0.2.3", "no range"), ("the upper half", "no range"),
    ])
  func pool(text: String, reason: String) throws {
    let wish = ClusterDeclaration.Wish(
      name: "home", first: "control-1", pool: [text], dhcp: ["192.0.2.100-192.0.2.150"])
    do {
      _ = try made(wish)
      Issue.record("\(text) was taken")
    } catch let error as FleetError {
      #expect("\(error)".contains(reason), "\(error)")
    }
  }

  @Test("A pool is chosen where the DHCP server's range is known: the highest addresses that nobody has")
  func chosen() throws {
    let top = try made(.init(name: "home", first: "control-1", dhcp: ["192.0.2.100-192.0.2.199"]))
    #expect(try DeclaredCluster.named("home", in: top.editor).pool == ["192.0.2.239-192.0.2.254"])
    let below = try made(.init(name: "home", first: "control-1", dhcp: ["192.0.2.232-192.0.2.254"]))
    #expect(try DeclaredCluster.named("home", in: below.editor).pool == ["192.0.2.214-192.0.2.229"])
    #expect(throws: FleetError.self) { try made(.init(name: "home", first: "control-1")) }
    #expect(throws: FleetError.self) { try made(.init(name: "home", first: "control-1", dhcp: ["192.0.2.0/24"])) }
  }

  @Test(
    "What can not be a first server, and names that can not be a cluster's, are refused",
    arguments: [
      ("home", "none"), ("home", "dhcp"), ("Home", "control-1"), ("", "control-1"),
      ("a-name-that-is-too-long", "control-1"),
    ])
  func refused(name: String, first: String) throws {
    #expect(throws: FleetError.self) { try made(.init(name: name, first: first, pool: ["192.0.2.200"])) }
    #expect(throws: FleetError.self) {
      try made(.init(name: "home", first: "control-1", pool: ["192.0.2.200"], ingress: "192.0.2.201"))
    }
  }

  @Test("Servers and agents join at the first server, with the same token and what has to be equal on all servers")
  func join() throws {
    let start = try made()
    var edited = start.editor
    let base = ["settings", "roles", "k3s-server-init"]
    try edited.set(.array([.text("servicelb"), .text("traefik")]), at: base + ["disable"], of: "control-1")
    try edited.set(
      .object(["address": .text("192.0.2.30/24"), "interface": .text("eno1"), "priority": .integer(150)]),
      at: base + ["virtualAddress"], of: "control-1")
    var declaration = ClusterDeclaration(edited)
    let cluster = try declaration.join("home", servers: ["control-2", "control-3"], agents: ["worker-1"])
    #expect(cluster.members.map(\.machine) == ["control-1", "control-2", "control-3", "worker-1"])
    #expect(cluster.servers.count == 3 && cluster.quorum == 2 && cluster.tolerates == 1)
    let server = try declaration.editor.settings(of: "control-2")[["roles", "k3s-server"]]
    #expect(server?["token"]?.text == "secret:k3s-home")
    // Never at the virtual address, which the very machine that is new may have.
    #expect(server?["join"]?.text == "https://192.0.2.31:6443")
    #expect(server?["disable"]?.texts == ["servicelb", "traefik"])
    #expect(server?["nodeAddress"]?.text == "192.0.2.32")
    #expect(server?[["virtualAddress", "priority"]] == .integer(100))
    let agent = try declaration.editor.settings(of: "worker-1")[["roles", "k3s-agent"]]
    #expect(agent?["join"]?.text == "https://192.0.2.30:6443" && agent?["disable"] == nil)
  }

  @Test(
    "An even number of servers, a machine of another network, one that is in a cluster, and one twice are refused",
    arguments: [
      (["control-2"], [], "2 servers bear the loss of 0, as 1 do"), (["control-2", "far"], [], "is in none of"),
      ([], ["far"], "is in none of"), (["control-1", "control-2"], [], "belongs to the cluster 'home'"),
      (["control-2", "control-2"], [], "named twice"), ([], [], "name machines"), ([], ["none"], "no such file"),
    ] as [([String], [String], String)])
  func joinRefused(servers: [String], agents: [String], reason: String) throws {
    var declaration = try made()
    do {
      _ = try declaration.join("home", servers: servers, agents: agents)
      Issue.record("\(servers) \(agents) joined")
    } catch {
      #expect("\(error)".contains(reason), "\(error)")
    }
    var other = try made()
    #expect(throws: FleetError.self) { try other.join("office", servers: [], agents: ["worker-1"]) }
    #expect(try other.join("home", servers: ["control-2"], agents: [], allowsEven: true).servers.count == 2)
  }

  @Test("A wish that is there already goes on without a change; another one of the same name is refused")
  func again() throws {
    var declaration = try made()
    let files = declaration.editor.files
    for wish in [
      ClusterDeclaration.Wish(name: "home", first: "control-1", pool: ["192.0.2.200-192.0.2.220"]),
      .init(name: "home", first: "control-1", ingress: "192.0.2.200"),
    ] {
      #expect(try declaration.create(wish).members.map(\.machine) == ["control-1"])
    }
    for wish in [
      ClusterDeclaration.Wish(name: "home", first: "control-2", pool: ["192.0.2.200-192.0.2.220"]),
      .init(name: "home", first: "control-1", pool: ["192.0.2.200-192.0.2.210"]),
      .init(name: "home", first: "control-1", ingress: "192.0.2.201"),
    ] {
      #expect(throws: FleetError.self) { try declaration.create(wish) }
    }
    #expect(declaration.editor.files.digest == files.digest)
    let first = try declaration.join("home", servers: ["control-2", "control-3"], agents: ["worker-1"])
    let joined = declaration.editor.files
    #expect(try declaration.join("home", servers: ["control-2"], agents: ["worker-1"]) == first)
    #expect(declaration.editor.files.digest == joined.digest)
    // As another kind it is no repetition.
    #expect(throws: FleetError.self) {
      try declaration.join("home", servers: ["worker-1"], agents: [], allowsEven: true)
    }
  }

  @Test("A machine that is made anew joins at another server of its cluster")
  func rejoin() throws {
    var declaration = try made()
    #expect(throws: FleetError.self) { try declaration.rejoin("control-1") }
    #expect(throws: FleetError.self) { try declaration.rejoin("nas") }
    #expect(throws: FleetError.self) { try declaration.rejoin("none") }
    _ = try declaration.join("home", servers: ["control-2", "control-3"], agents: ["worker-1"])
    #expect(try declaration.rejoin("control-1").machine == "control-2")
    func join(_ machine: String) throws -> String? {
      try DeclaredCluster.named("home", in: declaration.editor).members.first { $0.machine == machine }?.join
    }
    #expect(try join("control-1") == "https://192.0.2.32:6443")
    #expect(try declaration.rejoin("control-1", at: "control-3").machine == "control-3")
    #expect(try join("control-1") == "https://192.0.2.33:6443")
    #expect(try declaration.rejoin("worker-1", at: "control-2").machine == "control-2")
    #expect(try join("worker-1") == "https://192.0.2.32:6443")
    for other in ["control-1", "worker-1", "nas", "none"] {
      #expect(throws: FleetError.self) { try declaration.rejoin("control-1", at: other) }
    }
  }

  private static func withVolume(_ address: String, _ name: String, _ mountPoint: String) -> String {
    """
    { "addresses": ["52:54:00:00:00:01"],
      "layout": { "volumes": [{ "name": "\(name)", "size": "50%", "mountPoint": "\(mountPoint)" }] },
      "network": { "interfaces": [{ "mac": "52:54:00:00:00:01", "addresses": ["\(address)"] }] } }
    """
  }

  @Test(
    "Claims lie on a volume of the thin pool, on all machines at the path of the first server",
    arguments: [("kubernetes", "/srv/pods"), ("data", "/srv/kubernetes")])
  func storage(name: String, mountPoint: String) throws {
    let edited = editor([
      "machines/control-1.json": Self.withVolume("192.0.2.31/24", name, mountPoint),
      "machines/worker-1.json": Self.withVolume("192.0.2.41/24", "pods", mountPoint),
      "machines/nas.json": Self.withVolume("192.0.2.230/24", "kubernetes", "/srv/other"),
    ])
    // Of machines whose files say nothing of a layout the registry knows it.
    var declaration = ClusterDeclaration(
      edited, volumes: ["control-2": [.init(name: "x", mountPoint: mountPoint)], "control-1": []])
    var cluster = try declaration.create(.init(name: "home", first: "control-1", pool: ["192.0.2.200"]))
    #expect(try declaration.storage(of: cluster) == ClusterStorage(path: mountPoint, missing: []))
    cluster = try declaration.join(
      "home", servers: ["control-2", "control-3"], agents: ["worker-1", "nas"])
    let storage = try declaration.storage(of: cluster)
    #expect(storage == ClusterStorage(path: mountPoint, missing: ["control-3", "nas"]))
    #expect(storage.advice(cluster)?.contains("control-3, nas lies on the root file system") == true)
    for (machine, path) in [("control-2", mountPoint), ("worker-1", mountPoint), ("nas", nil), ("control-3", nil)] {
      let settings = try declaration.editor.settings(of: machine)[["storage", "k8s-local"]]
      #expect(
        settings?["path"]?.text == path && settings?["enable"]?.isTrue == (path == nil ? nil : true), "\(machine)")
    }
  }

  @Test("Without a volume nothing of it is declared, and it is said; run again with one it is")
  func noStorage() throws {
    let declaration = try made()
    let cluster = try DeclaredCluster.named("home", in: declaration.editor)
    let storage = try declaration.storage(of: cluster)
    #expect(storage == ClusterStorage(path: nil, missing: ["control-1"]))
    #expect(storage.advice(cluster)?.contains(#""mountPoint": "/srv/kubernetes""#) == true)
    var later = ClusterDeclaration(
      declaration.editor, volumes: ["control-1": [.init(name: "k", mountPoint: "/srv/kubernetes")]])
    let again = try later.create(.init(name: "home", first: "control-1", pool: ["192.0.2.200-192.0.2.220"]))
    #expect(try later.storage(of: again) == ClusterStorage(path: "/srv/kubernetes", missing: []))
    // What the owner has set stays.
    var edited = declaration.editor
    try edited.set(
      .object(["enable": .bool(true), "path": .text("/srv/mine")]), at: ["settings", "storage", "k8s-local"],
      of: "control-1")
    var owned = ClusterDeclaration(
      edited, volumes: ["control-2": [.init(name: "k", mountPoint: "/srv/mine")]])
    _ = try owned.join("home", servers: ["control-2"], agents: [], allowsEven: true)
    #expect(try owned.storage(of: DeclaredCluster.named("home", in: owned.editor)).path == "/srv/mine")
  }

  @Test("Two clusters in one network have pools of their own")
  func two() throws {
    var declaration = try made()
    #expect(throws: FleetError.self) {
      try declaration.create(.init(name: "office", first: "control-2", pool: ["192.0.2.215-192.0.2.225"]))
    }
    _ = try declaration.create(.init(name: "office", first: "control-2", pool: ["192.0.2.221-192.0.2.225"]))
    #expect(try DeclaredCluster.all(in: declaration.editor).map(\.name) == ["home", "office"])
    #expect(throws: FleetError.self) {
      try declaration.create(.init(name: "home", first: "control-3", pool: ["192.0.2.226"]))
    }
  }

  @Test("Servers change before agents, the first of them last, and only while all the others are well")
  func maintenance() throws {
    var declaration = try made()
    let cluster = try declaration.join("home", servers: ["control-2", "control-3"], agents: ["worker-1"])
    let maintenance = ClusterMaintenance(cluster)
    #expect(maintenance.order == ["control-2", "control-3", "control-1", "worker-1"])
    func standings(_ down: String? = nil) -> [ClusterMaintenance.Standing] {
      cluster.members.map {
        .init(machine: $0.machine, isWell: $0.machine != down, reason: $0.machine == down ? "it is silent" : nil)
      }
    }
    for machine in maintenance.order {
      #expect(maintenance.refusal(of: machine, standings(), acceptsOutage: false) == nil)
      // What is to change may be unwell itself: a new system may heal it.
      #expect(maintenance.refusal(of: machine, standings(machine), acceptsOutage: false) == nil)
      for other in maintenance.order where other != machine {
        for accepts in [false, true] {
          let refusal = maintenance.refusal(of: machine, standings(other), acceptsOutage: accepts)
          #expect(refusal?.contains("\(other) is not well (it is silent)") == true)
        }
      }
    }
    #expect(maintenance.refusal(of: "nas", standings(), acceptsOutage: true) != nil)
    #expect(maintenance.refusal(of: "control-1", [], acceptsOutage: false)?.contains("not known") == true)
  }

  @Test("With one or two servers the cluster would stand still, which has to be meant")
  func few() throws {
    var declaration = try made()
    for servers in [[], ["control-2"]] {
      let cluster =
        servers.isEmpty
        ? try DeclaredCluster.named("home", in: declaration.editor)
        : try declaration.join("home", servers: servers, agents: [], allowsEven: true)
      let maintenance = ClusterMaintenance(cluster)
      let standings = cluster.members.map { ClusterMaintenance.Standing(machine: $0.machine, isWell: true) }
      let refusal = maintenance.refusal(of: "control-1", standings, acceptsOutage: false)
      #expect(refusal?.contains("--accept-outage") == true)
      #expect(maintenance.refusal(of: "control-1", standings, acceptsOutage: true) == nil)
    }
  }
}
