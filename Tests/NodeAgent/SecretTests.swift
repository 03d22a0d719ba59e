import AgentProtocol
import Foundation
import HTTPConnection
import NodeAgent
import Testing

@Suite("Secrets on a node", .timeLimit(.minutes(10)))
struct SecretTests {
  /// A node that was installed, in a folder.
  private final class Node {
    let folder: TemporaryFolder
    let keys: AgentKeys
    var secrets: NodeSecrets { NodeSecrets(root: folder.path) }

    init(_ installed: [String: String] = [:]) throws {
      folder = try TemporaryFolder()
      keys = try AgentKeys()
      let sealed = try installed.mapValues { Data(try AgentKeys.seal($0, keys)) }
      try HandOff(
        target: folder.path,
        configuration: NodeConfiguration(
          applianceURL: "http://127.0.0.1:8080", appliancePublicKey: try SigningPrivateKey().publicKey,
          machineName: "node1"), keys: keys
      ).write(try Sample.task(secrets: sealed))
    }

    func sealed(_ name: String, _ value: String, revision: String) throws -> SealedSecret {
      SealedSecret(name: name, revision: revision, sealed: Data(try AgentKeys.seal(value, keys)))
    }

    func configure(_ json: String) throws -> SecretPlacement {
      try write(json, to: SecretPlacement.path)
      return try SecretPlacement.read(folder.path + SecretPlacement.path)
    }

    func write(_ text: String, to path: String) throws {
      let file = URL(fileURLWithPath: folder.path + path)
      try FileManager.default.createDirectory(at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
      try Data(text.utf8).write(to: file)
    }

    func laidDown(_ name: String) -> String? {
      try? String(contentsOfFile: folder.path + "/run/bootstead/secrets/" + name, encoding: .utf8)
    }
  }

  private static func list(_ entries: String...) -> String {
    #"{"schema":1,"secrets":[\#(entries.joined(separator: ","))]}"#
  }

  private static func entry(_ name: String, owner: String = "root", units: [String] = []) -> String {
    let units = units.map { "\"\($0)\"" }.joined(separator: ",")
    return
      #"{"name":"\#(name)","owner":"\#(owner)","path":"/run/bootstead/secrets/\#(name)","units":[\#(units)]}"#
  }

  @Test(
    "secrets are laid down for their users alone, what is no longer listed is deleted, twice is the same as once",
    .enabled(if: geteuid() == 0, "files are given to another user, which root alone can do"))
  func apply() throws {
    let node = try Node(["token": "hush", "old": "x"])
    try node.write("root:x:0:0::/root:/bin/sh\nacme:x:1234:5678:acme:/var/empty:/bin/false\n", to: "/etc/passwd")
    try node.configure(Self.list(Self.entry("old"))).apply(root: node.folder.path, from: node.secrets)
    #expect(node.laidDown("old") == "x")
    for _ in 0..<2 {
      try node.configure(Self.list(Self.entry("token", owner: "acme"))).apply(
        root: node.folder.path, from: node.secrets)
    }
    #expect(node.laidDown("token") == "hush" && node.laidDown("old") == nil)
    #expect(node.folder.mode("/run/bootstead/secrets/token") == 0o400)
    #expect(node.folder.mode("/run/bootstead/secrets") == 0o711)
    let attributes = try FileManager.default.attributesOfItem(
      atPath: node.folder.path + "/run/bootstead/secrets/token")
    #expect(attributes[.ownerAccountID] as? Int == 1234 && attributes[.groupOwnerAccountID] as? Int == 5678)
  }

  @Test("a missing secret is named, and the others are there all the same")
  func missing() throws {
    let node = try Node(["token": "hush"])
    let placement = try node.configure(Self.list(Self.entry("absent"), Self.entry("token"), Self.entry("gone")))
    #expect(throws: NodeSecretError.missing(["absent", "gone"])) {
      try placement.apply(root: node.folder.path, from: node.secrets)
    }
    #expect(node.laidDown("token") == "hush")
  }

  @Test(
    "a user whom only a container has is given by numbers",
    .enabled(if: geteuid() == 0, "files are given to another user, which root alone can do"))
  func numbers() throws {
    let node = try Node(["token": "hush"])
    try node.configure(Self.list(Self.entry("token", owner: "100999:5678"))).apply(
      root: node.folder.path, from: node.secrets)
    let attributes = try FileManager.default.attributesOfItem(
      atPath: node.folder.path + "/run/bootstead/secrets/token")
    #expect(attributes[.ownerAccountID] as? Int == 100999 && attributes[.groupOwnerAccountID] as? Int == 5678)
  }

  @Test(
    "a user whom the node does not have is named",
    arguments: ["nobody-here", "12", "1:", "1:2:3", "-1:0", "1:4294967296", "4294967295:0"])
  func unknownUser(owner: String) throws {
    let node = try Node(["token": "hush"])
    let placement = try node.configure(Self.list(Self.entry("token", owner: owner)))
    #expect(throws: NodeSecretError.noSuchUser(owner, secret: "token")) {
      try placement.apply(root: node.folder.path, from: node.secrets)
    }
    #expect(node.laidDown("token") == nil)
  }

  @Test(
    "a list that would write elsewhere, of another schema, or that is none is refused",
    arguments: [
      #"{"schema":1,"secrets":[{"name":"../x","owner":"root","path":"/run/bootstead/secrets/../x"}]}"#,
      #"{"schema":1,"secrets":[{"name":"x","owner":"root","path":"/etc/passwd"}]}"#, #"{"schema":2,"secrets":[]}"#, "[",
    ])
  func refused(_ json: String) throws {
    let node = try Node()
    #expect(throws: NodeReportError.self) { _ = try node.configure(json) }
  }

  @Test("what the appliance sends is kept with its revision; of a damaged list of revisions all count as old")
  func take() throws {
    let node = try Node(["installed": "a"])
    #expect(node.secrets.held == ["installed": ""])
    let changed = try node.secrets.take([node.sealed("token", "b", revision: "1")], obsolete: ["installed", "never"])
    #expect(changed == ["token", "installed", "never"])
    #expect(node.secrets.held == ["token": "1"])
    #expect(node.folder.mode("/var/lib/bootstead/secrets/token.age") == 0o600)
    try node.write("{", to: "/var/lib/bootstead/secrets.json")
    #expect(node.secrets.held == ["token": ""])
  }

  @Test("of an answer with one secret that is not for this node, or has a bad name, nothing is taken")
  func foreign() throws {
    let node = try Node()
    let foreign = SealedSecret(
      name: "foreign", revision: "1", sealed: Data(try AgeFile.seal([1], to: AgeIdentity().recipient)))
    let good = try node.sealed("good", "x", revision: "1")
    #expect(throws: HandOffError.unreadableSecret("foreign", .otherRecipient)) {
      _ = try node.secrets.take([good, foreign], obsolete: [])
    }
    #expect(throws: HandOffError.unsafeSecretName("../../etc/passwd")) {
      _ = try node.secrets.take([good], obsolete: ["../../etc/passwd"])
    }
    #expect(node.secrets.held.isEmpty)
  }

  /// A node that stays, until its second pause.
  private func stay(_ node: Node, _ orders: [NodeOrders]) async throws -> (reports: [NodeReport], commands: [String]) {
    let appliance = try FakeAppliance()
    appliance.change { state in
      state.installed = [
        InstalledReport(
          task: "install-1", nodeKey: node.keys.node.publicKey, nodeRecipient: node.keys.identity.recipient, disks: [],
          closure: Sample.closure)
      ]
      state.orders = orders
    }
    let runner = FakeRunner()
    let pauses = Counter()
    let root = node.folder.path
    try await appliance.serve { endpoint in
      try node.write(
        String(
          decoding: MessageCoder.encode(
            NodeConfiguration(
              applianceURL: endpoint.description, appliancePublicKey: appliance.key.publicKey, machineName: "node1")),
          as: UTF8.self), to: NodeConfiguration.path)
      let log = AgentLog { _ in }
      let reporter = NodeReporter(root: root, log: log, runner: runner, now: { 1000 }) { _ in
        if pauses.next() >= 2 { throw CancellationError() }
      }
      await #expect(throws: CancellationError.self) {
        try await reporter.stay(networkBoot: NetworkBoot(root: root, runner: FakeRunner(), log: log) {}) { _, _ in
          SystemRollout(root: root, runner: FakeRunner(), log: log, store: FakeStore())
        }
      }
    }
    return (appliance.read(\.nodeReports), runner.lines)
  }

  @Test("a unit that could not start without a secret is started when it comes")
  func awaited() async throws {
    let node = try Node([:])
    _ = try node.configure(Self.list(Self.entry("token", units: ["stacks.service"])))
    let order = NodeOrders(nextReport: 7, secrets: [try node.sealed("token", "new", revision: "1")])
    let (_, commands) = try await stay(node, [order, NodeOrders(nextReport: 7)])
    #expect(
      commands == ["systemctl try-restart -- stacks.service", "systemctl start --no-block -- stacks.service"])
  }

  @Test("a running node lays a changed secret down, restarts the units that use it, and reports at once that it has it")
  func delivered() async throws {
    let node = try Node(["token": "old", "other": "x"])
    _ = try node.configure(
      Self.list(Self.entry("token", units: ["b.service", "a.service"]), Self.entry("other", units: ["c.service"])))
    let order = NodeOrders(nextReport: 7, secrets: [try node.sealed("token", "new", revision: "2")])
    // The appliance that has not understood sends it again: that restarts nothing.
    let (reports, commands) = try await stay(node, [order, order, NodeOrders(nextReport: 7)])
    #expect(reports.map(\.secrets).first == ["token": "", "other": ""])
    #expect(reports.dropFirst().allSatisfy { $0.secrets == ["token": "2", "other": ""] } && reports.count == 3)
    #expect(commands == ["systemctl try-restart -- a.service b.service"])
    #expect(node.laidDown("token") == "new" && node.laidDown("other") == "x")
  }
}
