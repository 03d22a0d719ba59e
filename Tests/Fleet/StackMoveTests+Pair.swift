import AgentProtocol
import DiskLayout
import Fleet
import Foundation
import NetworkAddress
import Testing

extension StackMoveTests {
  static let url = "ssh://store@nas.example.com/./house"

  static func choices(_ url: String = StackMoveTests.url, nfs: String = "nas:/data", more: String = "") -> String {
    """
    {"settings":{"backup":{"borg-per-service":{"enable":true,"repository":"nas"\(more)},
      "repositories":{"nas":{"type":"borg","url":"\(url)","sshKey":"secret:borg-key"}}},
     "storage":{"nfs":{"mounts":{"m":{"server":"\(nfs.prefix { $0 != ":" })",
      "export":"\(nfs.drop { $0 != ":" }.dropFirst())","mountPoint":"/srv/nas"}}}}},"modules":[]}
    """
  }

  static func side(_ folders: String..., names: [String] = []) -> StackMoveSide {
    StackMoveSide(
      volumes: folders.enumerated().map { number, path in
        .init(name: "v\(number)", path: path, isBackedUp: !path.hasSuffix("cache"), placement: "appdata")
      }, names: names, secrets: ["KEY": "photos-key"])
  }

  /// Two nodes; the first has the stack `photos`.
  struct Pair {
    let first: InstalledMachine
    let second: Agent
    var registry: Registry { first.registry }
    var fleet: Fleet { registry.fleet }
    var counters: [String: UInt64] = ["node1": 10, "node2": 10]
    var systems = ["node1": Registry.closure, "node2": Registry.closure]
    var here = StackMoveTests.side("/srv/appdata/photos")
    var there = StackMoveTests.side("/srv/appdata/photos")

    init() async throws {
      first = try await InstalledMachine(Registry())
      let registry = first.registry
      try await registry.add("node2", macs: ["52:54:00:00:00:02"])
      var agent = try Agent()
      let disks = [InstalledMachine.disk("SN2")]
      let inventory = try InstalledMachine.inventory(
        mac: "52:54:00:00:00:02", uuid: "4c4c4544-0042-3510-8052-b4c04f4e4832", serial: "PRODUCT2", disks: disks)
      _ = try await agent.claim(
        registry, nonce: try await registry.boot("52:54:00:00:00:02").nonce, inventory: inventory)
      let task = try #require(try await agent.task(registry).install)
      try await agent.installed(
        registry, task: task.identifier, disks: disks.map { InstalledDisk(identifier: $0.id, serial: $0.serial) })
      try await agent.report(registry, name: "node2")
      second = agent
      try sql("UPDATE machine SET choices = '\(StackMoveTests.choices())', trust = 'verified'")
      try sql("UPDATE machine SET stacks = '[\"photos\"]' WHERE name = 'node1'")
      for (machine, name) in [
        ("node1", "photos-key"), ("node1", "borg-photos"), ("node1", "borg-key"), ("node2", "borg-key"),
      ] { try await fleet.setSecret(Data("value".utf8), named: name, of: machine) }
    }

    func sql(_ statement: String) throws { _ = try registry.sql(statement + " RETURNING id", as: Int.self) }

    func request() -> StackMoveRequest {
      StackMoveRequest(stack: "photos", source: "node1", target: "node2", files: DeclaredFiles([:]))
    }

    func plan() async throws -> StackMovePlan {
      try await fleet.planMove(
        request(), here: here, there: there, declared: fleet.declaredStacks(of: "node2").choices)
    }

    func begin() async throws -> StackMove {
      var request = request()
      request.digest = try await plan().digest
      return try await fleet.beginMove(
        request, here: here, there: there, declared: fleet.declaredStacks(of: "node2").choices)
    }

    /// As the declaration says it afterwards.
    func declare(back: Bool = false) throws {
      try sql("UPDATE machine SET stacks = '\(back ? "[\"photos\"]" : "[]")' WHERE name = 'node1'")
      try sql("UPDATE machine SET stacks = '\(back ? "[]" : "[\"photos\"]")' WHERE name = 'node2'")
    }

    @discardableResult
    mutating func report(_ name: String, _ tasks: [NodeTaskReport] = []) async throws -> NodeTaskOrder? {
      counters[name, default: 0] += 1
      registry.pass(seconds: 5)
      return try await (name == "node1" ? first.agent : second).report(
        registry, name: name, counter: try #require(counters[name]), closure: try #require(systems[name]), tasks: tasks
      ).task
    }

    /// The next task, once the appliance has had reports to think about.
    mutating func ask(_ name: String) async throws -> NodeTaskOrder? {
      for _ in 0..<3 { if let order = try await report(name) { return order } }
      return nil
    }

    mutating func answer(
      _ name: String, _ order: NodeTaskOrder, _ state: NodeTaskReport.State = .succeeded, output: String? = nil,
      messages: String? = nil
    ) async throws -> NodeTaskOrder? {
      var told = NodeTaskReport(identifier: order.identifier, state: state)
      (told.output, told.messages, told.exitCode) = (output, messages, state == .succeeded ? 0 : 1)
      if let next = try await report(name, [told]) { return next }
      return try await ask(name)
    }

    /// Stopped and copied.
    mutating func copied() async throws -> StackMove {
      let move = try await begin()
      let stop = try #require(try await ask("node1"))
      let copy = try #require(try await answer("node1", stop))
      _ = try await answer("node1", copy, output: StackMoveTests.backup)
      return try await fleet.move(move.identifier)
    }

    /// Declared, and the second node runs its new system.
    mutating func changed() async throws -> (move: StackMove, apply: NodeTaskOrder) {
      let move = try await copied()
      try declare()
      _ = try await fleet.noteDeclared(move.identifier)
      systems["node2"] = Registry.closure + "-2"
      return (move, try #require(try await ask("node2")))
    }
  }

  static let archive = "photos-20260102T023000Z-bb"
  static let backup = """
    [ { "stack" : "photos", "outcome" : "succeeded", "archive" : "\(archive)", "originalBytes" : 4096 } ]
    """
  static let started = #"[ { "stack" : "photos", "action" : "started" } ]"#
  static let listed = #"[ { "name" : "\#(archive)" } ]"#
  static let restored =
    #"{"stack":"photos","archive":"\#(archive)","hasSucceeded":true,"isVerified":true,"notes":["kept beside"]}"#
}
