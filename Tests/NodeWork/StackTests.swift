import Foundation
import NodeWork
import ProgramRunner
import StackSet
import Synchronization
import Testing

/// The container engine is played (see SimulatedNode).
@Suite("Stacks on a node")
struct StackTests {
  private func stack(_ name: String, digest: String = "1", dependsOn: [String] = []) -> CompiledStack {
    .sample(name, digest: digest, configurations: ["app.conf": "level = info\n"], dependsOn: dependsOn)
  }

  private func set(_ node: SimulatedNode, _ stacks: [CompiledStack]) -> StackSet {
    .sample(directory: node.file("stacks"), stacks)
  }

  private func engine(_ node: SimulatedNode) -> StackEngine {
    StackEngine(folders: node.folders, runner: node, say: { _ in })
  }

  private func started(_ node: SimulatedNode) -> [String] {
    node.state.withLock { $0.commands.filter { $0.arguments.contains("up") }.map { $0.arguments[2] } }
  }

  @Test("All start in the set's order, each with its files; what did not change is left alone")
  func apply() async throws {
    let node = try SimulatedNode()
    let first = try await engine(node).apply(set(node, [stack("dns"), stack("wiki")]))
    #expect(first.map(\.action) == [.started, .started])
    #expect(started(node) == ["dns", "wiki"])
    #expect(try String(contentsOfFile: node.file("stacks/wiki/app.conf"), encoding: .utf8) == "level = info\n")
    #expect(try permissions(node.file("stacks/wiki/compose.yaml")) == 0o600)

    node.state.withLock { $0.running = ["dns": ["server"], "wiki": ["server"]] }
    let second = try await engine(node).apply(set(node, [stack("dns"), stack("wiki", digest: "2")]))
    #expect(second.map(\.action) == [.unchanged, .started])
    #expect(started(node) == ["dns", "wiki", "wiki"])
  }

  @Test("A stack that fails keeps down what depends on it, and nothing else; it is tried again the next time")
  func failure() async throws {
    let node = try SimulatedNode()
    let stacks = set(node, [stack("databases"), stack("wiki", dependsOn: ["databases"]), stack("photos")])
    node.state.withLock { $0.failing["--project-name databases"] = "dependency failed to start" }
    #expect(try await engine(node).apply(stacks).map(\.action) == [.failed, .skipped, .started])
    node.state.withLock {
      $0.failing = [:]
      $0.running["photos"] = ["server"]
    }
    #expect(try await engine(node).apply(stacks).map(\.action) == [.started, .started, .unchanged])
  }

  @Test("What is not in the set any more runs on, until it is said that it goes; its data stays")
  func leftovers() async throws {
    let node = try SimulatedNode()
    var wiki = stack("wiki")
    let data = node.file("srv/wiki/pages")
    wiki.volumes = [
      .sample("pages", data, owner: StackOwner(user: Int(getuid()), group: Int(getgid())))
    ]
    _ = try await engine(node).apply(set(node, [wiki, stack("dns")]))
    #expect(FileManager.default.fileExists(atPath: data))
    node.state.withLock { $0.running["dns"] = ["server"] }
    let kept = try await engine(node).apply(set(node, [stack("dns")]))
    #expect(kept.map(\.action) == [.leftover, .unchanged])
    #expect(try engine(node).applied()?.stacks.map(\.name) == ["dns", "wiki"])
    let gone = try await engine(node).apply(set(node, [stack("dns")]), removesOthers: true)
    #expect(gone.map(\.action) == [.removed, .unchanged])
    let down = node.state.withLock { $0.commands.first { $0.arguments.contains("down") } }
    #expect(down?.arguments.contains("--volumes") == false)
    #expect(FileManager.default.fileExists(atPath: data))
    #expect(!FileManager.default.fileExists(atPath: node.file("stacks/wiki")))
  }

  @Test("A stack that somebody stopped stays stopped through an apply, until somebody starts it")
  func stopped() async throws {
    let node = try SimulatedNode()
    let stacks = set(node, [stack("dns"), stack("wiki")])
    _ = try await engine(node).apply(stacks)
    #expect(try await engine(node).act(.stop, on: "wiki").map(\.action) == [.stopped])
    node.state.withLock { $0.running["dns"] = ["server"] }
    #expect(try await engine(node).apply(stacks).map(\.action) == [.unchanged, .stopped])
    let changed = set(node, [stack("dns"), stack("wiki", digest: "2")])
    #expect(try await engine(node).apply(changed).map(\.action) == [.unchanged, .stopped])
    #expect(try await engine(node).act(.start, on: "wiki").map(\.action) == [.started])
    #expect(try await engine(node).apply(changed).map(\.action) == [.unchanged, .started])
  }

  /// Two services that last, and one that prepares them.
  private func several(_ node: SimulatedNode, digest: String = "1") -> CompiledStack {
    var photos = stack("photos", digest: digest)
    photos.compose = #"""
      {"services":{"cache":{"restart":"unless-stopped"},"prepare":{"restart":"no"},"server":{"restart":"always"}}}
      """#
    node.state.withLock { $0.services["photos"] = ["cache", "server"] }
    return photos
  }

  @Test("Of a stack that did not change, services that should run and do not are started; others may have ended")
  func halfUp() async throws {
    let node = try SimulatedNode()
    let photos = set(node, [several(node)])
    #expect(try await engine(node).apply(photos).map(\.action) == [.started])
    #expect(try await engine(node).apply(photos).map(\.action) == [.unchanged])
    node.state.withLock { $0.running["photos"] = ["cache"] }
    #expect(try await engine(node).apply(photos).map(\.action) == [.started])
    #expect(node.state.withLock { $0.running["photos"] } == ["cache", "server"])
    #expect(try await engine(node).apply(photos).map(\.action) == [.unchanged])
  }

  @Test("A single container that somebody stopped stays stopped, also when its stack changes, until somebody starts it")
  func stoppedSingle() async throws {
    let node = try SimulatedNode()
    let photos = set(node, [several(node)])
    _ = try await engine(node).apply(photos)
    _ = try await engine(node).act(.stop, on: "photos/cache")
    #expect(try await engine(node).apply(photos).map(\.action) == [.unchanged])
    let changed = set(node, [several(node, digest: "2")])
    #expect(try await engine(node).apply(changed).map(\.action) == [.started])
    #expect(node.state.withLock { $0.running["photos"] } == ["server"])
    _ = try await engine(node).act(.stop, on: "photos/server")
    #expect(try await engine(node).apply(changed).map(\.action) == [.stopped])
    _ = try await engine(node).act(.start, on: "photos/server")
    #expect(try await engine(node).apply(changed).map(\.action) == [.unchanged])
    #expect(node.state.withLock { $0.running["photos"] } == ["server"])
    _ = try await engine(node).act(.start, on: "photos")
    #expect(node.state.withLock { $0.running["photos"] } == ["cache", "server"])
    let unknown = try await engine(node).act(.stop, on: "photos/chache")
    #expect(unknown.first?.problem?.contains("has no container chache; it has cache, prepare, server") == true)
  }

  @Test(
    "What changed while a stack was stopped is taken in when somebody starts it, and then it is as declared",
    arguments: [StackEngine.Verb.start, .up, .restart])
  func startsChanged(verb: StackEngine.Verb) async throws {
    let node = try SimulatedNode()
    _ = try await engine(node).apply(set(node, [several(node)]))
    _ = try await engine(node).act(.stop, on: "photos")
    let changed = set(node, [several(node, digest: "2")])
    #expect(try await engine(node).apply(changed).map(\.action) == [.stopped])
    let before = started(node).count
    #expect(try await engine(node).act(verb, on: "photos").map(\.action) == [.started])
    #expect(started(node).count == before + 1)
    #expect(
      node.state.withLock { $0.commands.last { $0.arguments.contains("up") } }?.arguments.last == "--force-recreate")
    #expect(try await engine(node).apply(changed).map(\.action) == [.unchanged])
  }

  @Test("Down goes in the reverse order, and a single container by its name")
  func order() async throws {
    let node = try SimulatedNode()
    _ = try await engine(node).apply(set(node, [stack("dns"), stack("wiki", dependsOn: ["dns"])]))
    _ = try await engine(node).act(.down, on: nil)
    let down = node.state.withLock { $0.commands.filter { $0.arguments.contains("down") }.map { $0.arguments[2] } }
    #expect(down == ["wiki", "dns"])
    _ = try await engine(node).act(.start, on: "wiki/server")
    _ = try await engine(node).act(.restart, on: "wiki/server")
    #expect(node.state.withLock { $0.commands.contains { $0.arguments.suffix(2) == ["restart", "server"] } })
    let error = await #expect(throws: NodeWorkError.self) { try await engine(node).act(.start, on: "mail") }
    #expect(error?.kind == .unknownStack)
    let needed = await #expect(throws: NodeWorkError.self) { try await engine(node).remove("dns") }
    #expect(needed?.problem == "wiki depends on dns")
  }

  @Test("Secrets reach the engine by file or environment, and are in no file of the stack")
  func secrets() async throws {
    let node = try SimulatedNode()
    var tunnel = stack("tunnel")
    tunnel.secrets = [
      StackSecret(
        name: "TUNNEL_TOKEN", reference: "secret:tunnel", delivery: .environment, owner: .root, generate: nil)
    ]
    let missing = try await engine(node).apply(set(node, [tunnel]))
    #expect(missing.first?.problem?.contains("give the secret to the appliance") == true)
    try FileManager.default.createDirectory(atPath: node.folders.secrets, withIntermediateDirectories: true)
    try Data("open sesame\n".utf8).write(to: URL(fileURLWithPath: node.folders.secrets + "/tunnel"))
    #expect(try await engine(node).apply(set(node, [tunnel])).map(\.action) == [.started])
    let up = node.state.withLock { $0.commands.first { $0.arguments.contains("up") } }
    #expect(up?.environment["TUNNEL_TOKEN"] == "open sesame")
    #expect(up.map { "\($0)".contains("sesame") } == false)
    for folder in [node.file("stacks"), node.folders.state] {
      for name in try FileManager.default.subpathsOfDirectory(atPath: folder) {
        let text = try? String(contentsOfFile: folder + "/" + name, encoding: .utf8)
        #expect(text?.contains("sesame") != true)
      }
    }
  }

  @Test("A stack whose secrets are gone is stopped and taken down; only bringing it up needs them")
  func goneSecret() async throws {
    let node = try SimulatedNode()
    var tunnel = several(node)
    tunnel.secrets = [
      StackSecret(
        name: "TUNNEL_TOKEN", reference: "secret:tunnel", delivery: .environment, owner: .root, generate: nil)
    ]
    try FileManager.default.createDirectory(atPath: node.folders.secrets, withIntermediateDirectories: true)
    let secret = node.folders.secrets + "/tunnel"
    try Data("open sesame\n".utf8).write(to: URL(fileURLWithPath: secret))
    #expect(try await engine(node).apply(set(node, [tunnel])).map(\.action) == [.started])
    try FileManager.default.removeItem(atPath: secret)
    #expect(try await engine(node).apply(set(node, [])).map(\.action) == [.leftover])
    for (verb, action) in [(StackEngine.Verb.stop, StackOutcome.Action.stopped), (.start, .failed), (.down, .stopped)] {
      #expect(try await engine(node).act(verb, on: "photos").map(\.action) == [action])
    }
    #expect(try engine(node).command("photos", ["logs"]).arguments == ["compose", "--project-name", "photos", "logs"])
    #expect(try await engine(node).apply(set(node, []), removesOthers: true).map(\.action) == [.removed])
    #expect(try engine(node).applied()?.stacks == [])
    #expect(!FileManager.default.fileExists(atPath: node.file("stacks/photos")))
  }

  enum Flaw: String, CaseIterable, Sendable { case name, configuration, dump, volume, secret, twice, form }

  @Test("A set that would break out of its folders is refused before anything changes", arguments: Flaw.allCases)
  func refused(flaw: Flaw) async throws {
    let node = try SimulatedNode()
    var bad = stack("wiki")
    var set = set(node, [])
    switch flaw {
    case .name: bad.name = "../etc"
    case .configuration: bad.configurations["../../etc/passwd"] = "x"
    case .dump: bad.backup.dump = [StackBackup.Dump(service: "a", command: ["b"], output: "../x")]
    case .volume:
      bad.volumes = [
        .sample("a", "/srv/../etc", owner: .root)
      ]
    case .secret:
      bad.secrets = [StackSecret(name: "A", reference: "secret:../x", delivery: .file, owner: .root, generate: nil)]
    case .twice: set.stacks = [bad]
    case .form: set.schema = 2
    }
    set.stacks.append(bad)
    try JSONEncoder().encode(set).write(to: URL(fileURLWithPath: node.file("set.json")))
    let error = #expect(throws: NodeWorkError.self) { try StackEngine.read(node.file("set.json")) }
    #expect(error?.kind == .configuration)
  }

  private func permissions(_ path: String) throws -> Int? {
    try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int
  }
}
