import Foundation
import NodeWork
import ProgramRunner
import StackSet
import Synchronization
import Testing

/// With a real Borg; LVM and the container engine are played (see SimulatedNode).
@Suite("Tests of restores")
struct TestRestoreTests {
  private func backedUp(
    service: String = "", top: String = "", change: (inout CompiledStack) -> Void = { _ in }
  ) async throws -> (BackupScene, BackupConfiguration) {
    var scene = try BackupScene(quiesce: .dump)
    let library = scene.node.file("srv/photos/library")
    scene.stacks[0].compose = #"""
      {"name":"photos","networks":{"default":{"name":"bootstead-photos"},
      "bootstead-hub":{"name":"bootstead-hub","external":true}},
      "configs":{"settings":{"file":"/srv/stacks/photos/settings.ini"}},\#(top)
      "services":{"server":{"image":"x:1.2","container_name":"photos","restart":"unless-stopped",
      "ports":[{"target":80,"published":"80"}],"labels":{"traefik.enable":"true"},"configs":["settings"],
      "networks":{"default":null,"bootstead-hub":{"aliases":["photos-server"],"ipv4_address":"192.0.2.9"}},
      "volumes":[{"type":"bind","source":"\#(library)","target":"/data","bind":{"create_host_path":false}},
      {"type":"bind","source":"/etc/localtime","target":"/etc/localtime","read_only":true}]\#(service)},
      "database":{"image":"y:1"}}}
      """#
    scene.stacks[0].configurations = ["settings.ini": "level = info\n"]
    change(&scene.stacks[0])
    let configuration = try scene.configuration()
    _ = try await scene.repository("photos", configuration).initialise()
    #expect(try await scene.run(configuration).map(\.outcome) == [.succeeded])
    scene.node.state.withLock { $0.services["bootstead-test-photos"] = ["server", "database"] }
    return (scene, configuration)
  }

  private func test(_ scene: BackupScene, _ configuration: BackupConfiguration) async throws -> RestoreResult {
    let result = try await scene.engine.testRestore(
      "photos", scratch: scene.node.file("scratch"), plan: configuration.plan("borg-per-service"),
      configuration: configuration)
    scene.locks.releaseAll()
    return result
  }

  private func commands(_ scene: BackupScene, _ words: String...) -> [String] {
    scene.node.state.withLock { $0.commands.map { "\($0)" } }.filter { command in
      words.allSatisfy { command.contains($0) }
    }
  }

  private func expectGone(_ scene: BackupScene, sourceLocation: SourceLocation = #_sourceLocation) {
    let left = try? FileManager.default.contentsOfDirectory(atPath: scene.node.file("scratch"))
    #expect(left ?? [] == [], sourceLocation: sourceLocation)
    #expect(scene.node.state.withLock { $0.running["bootstead-test-photos"] } == nil, sourceLocation: sourceLocation)
    scene.expectClean(sourceLocation: sourceLocation)
    #expect(scene.text("state/backup/photos/scratch.json") == nil, sourceLocation: sourceLocation)
  }

  @Test("A copy by another name is started from the archive, dumps are loaded, its hooks pass, and it is gone")
  func verified() async throws {
    let (scene, configuration) = try await backedUp()
    let seen = Mutex<String?>(nil)
    let file = scene.node.file("scratch/bootstead-test-restore-photos/stack-copy/compose.yaml")
    scene.node.watch { command in
      if command.arguments.contains("up") {
        seen.withLock { $0 = try? String(contentsOfFile: file, encoding: .utf8) }
      }
    }
    let result = try await test(scene, configuration)
    #expect(result.hasSucceeded, "\(result)")
    #expect(result.isVerified)
    #expect(!commands(scene, "bootstead-test-photos", "exec", "pg_restore").isEmpty)
    #expect(!commands(scene, "bootstead-test-photos", "exec", "ping").isEmpty)
    #expect(commands(scene, "--project-name photos ", " stop") == [])
    expectGone(scene)

    let copy = try #require(seen.withLock { $0 })
    let scratch = scene.node.file("scratch/bootstead-test-restore-photos")
    for text in [
      #""name":"bootstead-test-photos""#, #""source":"\#(scratch)/volumes/library""#, #""internal":true"#,
      #""restart":"no""#, #""aliases":["photos-server"]"#, #""file":"\#(scratch)/stack-copy/settings.ini""#,
    ] {
      #expect(copy.contains(text), "\(copy)")
    }
    for text in ["ports", "traefik", "container_name", "external", "ipv4_address", scene.node.file("srv")] {
      #expect(!copy.contains(text), "\(copy)")
    }
    let coverage = try BackupCoverage(
      set: .sample(scene.stacks), configuration: configuration, folders: scene.node.folders)
    #expect(coverage.rows.first?.isVerified == true)
  }

  @Test("A hook that does not pass fails the test, and coverage says so; the copy goes all the same")
  func failing() async throws {
    let (scene, configuration) = try await backedUp()
    scene.node.state.withLock { $0.failing["exec -T server ping"] = "connection refused" }
    let result = try await test(scene, configuration)
    #expect(!result.hasSucceeded)
    #expect(result.problem?.contains("connection refused") == true)
    expectGone(scene)
    let coverage = try BackupCoverage(
      set: .sample(scene.stacks), configuration: configuration, folders: scene.node.folders)
    #expect(coverage.rows.first?.gaps.contains { $0.contains("restore") } == true)
  }

  @Test(
    "A stack that can not run twice is not started; its files are looked at, and why is said",
    arguments: [
      (#","privileged":true"#, "server is privileged"), (#","cap_add":["NET_ADMIN"]"#, "has cap_add"),
      (#","devices":["/dev/dri:/dev/dri"]"#, "has devices"), (#","network_mode":"host""#, "network_mode: host"),
      (#","pid":"host""#, "pid: host"),
    ])
  func notTwice(field: String, reason: String) async throws {
    let (scene, configuration) = try await backedUp(service: field)
    let result = try await test(scene, configuration)
    #expect(result.hasSucceeded, "\(result)")
    #expect(!result.isVerified)
    #expect(result.notes.contains { $0.contains("can not be started twice") && $0.contains(reason) }, "\(result)")
    #expect(commands(scene, "bootstead-test-photos", " up ") == [])
    expectGone(scene)
  }

  @Test("Neither is one that uses the machine's own folders, or other stacks", arguments: [true, false])
  func needsOthers(isStack: Bool) async throws {
    let (scene, configuration) = try await backedUp { stack in
      if isStack {
        stack.dependsOn = ["databases"]
      } else {
        stack.compose = stack.compose.replacingOccurrences(of: #""/etc/localtime","target""#, with: #""/run","target""#)
      }
    }
    let result = try await test(scene, configuration)
    #expect(!result.isVerified)
    let reason = isStack ? "needs the stacks databases" : "server uses /run of the machine"
    #expect(result.notes.contains { $0.contains(reason) }, "\(result)")
    expectGone(scene)
  }

  @Test("A test that is killed leaves no copy after the next start")
  func killed() async throws {
    for step in stride(from: 0, to: 40, by: 2) {
      let (scene, configuration) = try await backedUp()
      let (stream, continuation) = AsyncStream.makeStream(of: Bool.self)
      scene.node.die(.after(step)) { continuation.yield(true) }
      let engine = scene.engine
      let scratch = scene.node.file("scratch")
      Task {
        _ = try? await engine.testRestore(
          "photos", scratch: scratch, plan: configuration.plan("borg-per-service"), configuration: configuration)
        continuation.yield(false)
      }
      var wasKilled = false
      for await killed in stream {
        wasKilled = killed
        break
      }
      scene.locks.releaseAll()
      scene.node.die(nil)
      try await scene.engine.recover(configuration)
      scene.locks.releaseAll()
      expectGone(scene)
      guard wasKilled else { return }
    }
    Issue.record("it never ended")
  }
}
