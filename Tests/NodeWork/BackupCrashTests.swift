import Foundation
import NodeWork
import ProgramRunner
import ProgramTestSupport
import StackSet
import Synchronization
import Testing

/// LVM, Docker Compose and Borg are played (see SimulatedNode): what is shown is the engine's order of acts and what it
/// writes down, at each point where it can be killed.
@Suite("Killed backups")
struct BackupCrashTests {
  enum Moment: String, CaseIterable, Sendable { case before, after }

  @Test(
    "A run that is killed at any of its steps leaves nothing behind after the next start",
    arguments: [StackBackup.Quiesce.stop, .pause, .dump], Moment.allCases)
  func killed(quiesce: StackBackup.Quiesce, moment: Moment) async throws {
    var steps = 0
    for step in 0..<200 {
      let scene = try BackupScene(playsBorg: true, quiesce: quiesce)
      let configuration = try scene.configuration()
      guard try await isKilled(scene, configuration, at: moment == .before ? .before(step) : .after(step)) else {
        break
      }
      steps += 1

      let recovered = try await scene.engine.recover(configuration)
      scene.locks.releaseAll()
      scene.expectClean("killed \(moment) command \(step)")
      #expect(recovered.allSatisfy { $0.outcome == .interrupted })

      let results = try await scene.run(configuration)
      #expect(results.map(\.outcome) == [.succeeded], "after a kill \(moment) command \(step): \(results)")
      scene.expectClean("run after a kill \(moment) command \(step)")
    }
    // Fewer would mean that the run was not what is thought here.
    #expect(steps > 20)
    #expect(steps < 200)
  }

  @Test("The next run cleans up by itself, and cleaning that is killed too is done again", arguments: [true, false])
  func killedTwice(recoversFirst: Bool) async throws {
    for step in stride(from: 0, to: 12, by: 1) {
      let scene = try BackupScene(playsBorg: true)
      let configuration = try scene.configuration()
      // In the middle of the copy: with snapshot, mounts and a lock in the repository.
      let create = try await commandNumber(of: "create")
      #expect(try await isKilled(scene, configuration, at: .after(create)))
      let (stream, continuation) = AsyncStream.makeStream(of: Void.self)
      scene.node.die(.before(step)) { continuation.finish() }
      let engine = scene.engine
      Task {
        _ = try? await engine.recover(configuration)
        continuation.finish()
      }
      for await _ in stream {}
      scene.locks.releaseAll()
      scene.node.die(nil)
      if recoversFirst { try await scene.engine.recover(configuration) }
      scene.locks.releaseAll()
      #expect(try await scene.run(configuration).map(\.outcome) == [.succeeded])
      scene.expectClean("cleaning was killed at \(step)")
    }
  }

  @Test("A stack that somebody stopped stays stopped, and its files are copied")
  func stopped() async throws {
    for quiesce in [StackBackup.Quiesce.stop, .pause, .dump] {
      let scene = try BackupScene(playsBorg: true, quiesce: quiesce)
      scene.node.state.withLock { $0.running["photos"] = [] }
      let results = try await scene.run(try scene.configuration())
      #expect(results.map(\.outcome) == [.succeeded])
      #expect(results.first?.notes.first?.contains("did not run") == true)
      #expect(scene.node.state.withLock { $0.running["photos"] } == [])
    }
  }

  @Test("A run under way is left alone")
  func alive() async throws {
    let scene = try BackupScene(playsBorg: true)
    let configuration = try scene.configuration()
    let create = try await commandNumber(of: "create")
    #expect(try await isKilled(scene, configuration, at: .before(create), releases: false))
    let before = scene.node.state.withLock { $0.mounts }
    #expect(try await scene.engine.recover(configuration) == [])
    #expect(scene.node.state.withLock { $0.mounts } == before)
    let second = try await scene.engine.run(plan: "borg-per-service", configuration: configuration)
    #expect(second.map(\.outcome) == [.failed])
    #expect(second.first?.problem?.contains("another process works on photos") == true)
  }

  @Test("Children of a killed run are ended: they would go on and hold its mounts")
  func children() async throws {
    let scene = try BackupScene(playsBorg: true)
    let run = "20260102T030405Z-\(UInt64.random(in: 1 ... .max))"
    let ready = scene.node.file("ready")
    async let child = TestProgram.run(
      "sh", ["-c", "touch '\(ready)'; sleep 600"], environment: ["BOOTSTEAD_RUN": run])
    while !FileManager.default.fileExists(atPath: ready) { try await Task.sleep(for: .milliseconds(20)) }
    let journal = #"""
      {"schema":1,"run":"\#(run)","stack":"photos","plan":"borg-per-service","tier":1,
      "started":"2026-01-02T03:04:05Z","step":"create","services":["server"],"snapshots":[],"mounts":[],
      "hasUsedRepository":false}
      """#
    try scene.write(journal, to: "state/backup/photos/journal.json")
    scene.node.state.withLock { $0.running["photos"] = ["database"] }
    let results = try await scene.engine.recover(nil)
    #expect(results.map(\.run) == [run])
    #expect(try await child.status == -9)
    scene.locks.releaseAll()
    scene.expectClean()
  }

  /// - Returns: false where the run ended before that command.
  private func isKilled(
    _ scene: BackupScene, _ configuration: BackupConfiguration, at death: SimulatedNode.Death, releases: Bool = true
  ) async throws -> Bool {
    let (stream, continuation) = AsyncStream.makeStream(of: Bool.self)
    scene.node.die(death) { continuation.yield(true) }
    let engine = scene.engine
    Task {
      _ = try? await engine.run(plan: "borg-per-service", configuration: configuration)
      continuation.yield(false)
    }
    var wasKilled = false
    for await killed in stream {
      wasKilled = killed
      break
    }
    if releases { scene.locks.releaseAll() }
    scene.node.die(nil)
    return wasKilled
  }

  private func commandNumber(of verb: String) async throws -> Int {
    let scene = try BackupScene(playsBorg: true)
    _ = try await scene.run(try scene.configuration())
    let commands = scene.node.state.withLock { $0.commands }
    return try #require(commands.firstIndex { $0.program == "borg" && $0.arguments.contains(verb) })
  }
}
