import Foundation
import NodeWork
import ProgramRunner
import StackSet
import Synchronization
import Testing

/// What the monitor hears. Its URL is read where it is really written; curl is played.
@Suite("Pings")
struct PingTests {
  private func pings(_ scene: BackupScene) -> [String] {
    scene.node.state.withLock { $0.commands.filter { $0.program == "curl" } }.map { command in
      let line = (command.input ?? "").split(separator: "\n").first ?? ""
      return String(line.dropFirst(#"url = ""#.count).dropLast())
    }
  }

  /// - Parameters:
  ///   - common: the URL of all.
  ///   - own: URLs by plan or job.
  private func scene(common: String?, own: [String: String] = [:]) throws -> (BackupScene, BackupConfiguration) {
    let scene = try BackupScene(playsBorg: true)
    if let common { try scene.write(common + "\n", to: "ping") }
    for (name, url) in own { try scene.write(url, to: "ping-" + name) }
    var configuration = try scene.configuration(ping: common == nil ? "null" : "\"\(scene.node.file("ping"))\"")
    configuration.pings = own.isEmpty ? nil : own.reduce(into: [:]) { $0[$1.key] = scene.node.file("ping-" + $1.key) }
    return (scene, configuration)
  }

  @Test("One URL for all hears of runs, and of nothing else: a test of a restore would hide a run that failed")
  func common() async throws {
    let (scene, configuration) = try scene(common: "https://ping.example.com/uuid")
    _ = try await scene.run(configuration)
    #expect(pings(scene) == ["https://ping.example.com/uuid/start", "https://ping.example.com/uuid"])
    _ = try await scene.engine.prune(plan: "borg-per-service", configuration: configuration)
    _ = try await scene.engine.testRestores(
      of: [], scratch: scene.node.file("scratch"), configuration: configuration)
    scene.locks.releaseAll()
    #expect(pings(scene).count == 2)
  }

  @Test("Names take their places in the URL, and the event comes before the query")
  func slug() async throws {
    let (scene, configuration) = try scene(common: "https://hc.example.com/key/{machine}-{plan}?create=1")
    _ = try await scene.run(configuration)
    _ = try await scene.engine.prune(plan: "borg-per-service", configuration: configuration)
    scene.locks.releaseAll()
    _ = try await scene.engine.check(
      [("photos", configuration.plan("borg-per-service"))], verifyData: false, configuration: configuration
    ) { _ in }
    let url = "https://hc.example.com/key/node1-"
    #expect(
      pings(scene) == [
        url + "borg-per-service/start?create=1", url + "borg-per-service?create=1", url + "prune/start?create=1",
        url + "prune?create=1", url + "check/start?create=1", url + "check?create=1",
      ])
  }

  @Test("A plan, and a test of restores, may have URLs of their own")
  func own() async throws {
    let (scene, configuration) = try scene(
      common: "https://ping.example.com/all",
      own: ["borg-per-service": "https://ping.example.com/borg", "test-restore": "https://ping.example.com/test"])
    _ = try await scene.run(configuration)
    let held = try FileLock.acquire(scene.node.file("state/backup/photos/lock"), holder: "photos")
    _ = try await scene.engine.testRestores(
      of: [], scratch: scene.node.file("scratch"), configuration: configuration)
    held.release()
    #expect(
      pings(scene) == [
        "https://ping.example.com/borg/start", "https://ping.example.com/borg", "https://ping.example.com/test/start",
        "https://ping.example.com/test/fail",
      ])
  }

  @Test("What fails before the first stack is told, too", arguments: ["plan", "stack"])
  func before(kind: String) async throws {
    let (scene, configuration) = try scene(common: "https://ping.example.com/uuid")
    let engine = scene.engine
    await #expect(throws: NodeWorkError.self) {
      try await engine.run(
        plan: kind == "plan" ? "typo" : "borg-per-service", configuration: configuration,
        only: kind == "stack" ? ["typo"] : [])
    }
    #expect(pings(scene).last == "https://ping.example.com/uuid/fail")
    let before = pings(scene).count
    await configuration.pingFailure(ofRun: "borg-per-service", StackEngine.nothingApplied, runner: scene.node)
    #expect(pings(scene).count == before + 1)
    #expect(pings(scene).last == "https://ping.example.com/uuid/fail")
  }
}
