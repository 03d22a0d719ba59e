import Foundation
import NodeWork
import ProgramTestSupport
import StackSet
import Synchronization
import Testing

/// With a real Borg; LVM and the container engine are played (see SimulatedNode).
@Suite("Work on several stacks")
struct SeveralStacksTests {
  private func scene() async throws -> (BackupScene, BackupConfiguration) {
    let scene = try BackupScene(stacks: ["photos", "wiki"])
    return (scene, try scene.configuration())
  }

  private func kind(_ work: () async throws -> Void) async -> NodeWorkError.Kind? {
    do {
      try await work()
      return nil
    } catch { return (error as? NodeWorkError)?.kind }
  }

  @Test("A name that no stack or plan has is refused before anything is done")
  func unknownNames() async throws {
    let (scene, configuration) = try await scene()
    let engine = scene.engine
    let scratch = scene.node.file("scratch")
    #expect(
      await kind {
        _ = try await engine.testRestores(of: ["photos", "typo"], scratch: scratch, configuration: configuration)
      } == .unknownStack)
    #expect(
      await kind {
        _ = try await engine.testRestores(of: [], plan: "typo", scratch: scratch, configuration: configuration)
      } == .unknownPlan)
    #expect(
      await kind { _ = try await engine.initialise(of: ["photos", "typo"], configuration: configuration) }
        == .unknownStack)
    #expect(await kind { _ = try await engine.run(plan: "typo", configuration: configuration) } == .unknownPlan)
    #expect(await kind { _ = try await engine.snapshotEngine.create(["photos", "typo"], label: "a") } == .unknownStack)
    #expect(scene.node.state.withLock { $0.commands.isEmpty })
    #expect(scene.text("state/backup/photos/history.json") == nil)
  }

  @Test("A stack that no plan makes archives of is refused, and not passed over")
  func heldByNoPlan() async throws {
    var (scene, _) = try await scene()
    let configuration = try scene.configuration()
    try scene.add("music", quiesce: .stop)
    let engine = scene.engine
    let scratch = scene.node.file("scratch")
    #expect(
      await kind { _ = try await engine.testRestores(of: ["music"], scratch: scratch, configuration: configuration) }
        == .configuration)
    #expect(
      await kind {
        _ = try await engine.testRestores(
          of: ["music"], plan: "borg-per-service", scratch: scratch, configuration: configuration)
      } == .configuration)
    #expect(
      await kind { _ = try await engine.initialise(of: ["music"], configuration: configuration) } == .configuration)
  }

  @Test("A stack that another process works on fails its own test of a restore, on record; the others are tested")
  func locked() async throws {
    let (scene, configuration) = try await scene()
    #expect(try await scene.engine.initialise(of: [], configuration: configuration).map(\.isNew) == [true, true])
    #expect(try await scene.run(configuration).map(\.outcome) == [.succeeded, .succeeded])
    let held = try FileLock.acquire(scene.node.file("state/backup/photos/lock"), holder: "photos")
    var told: [String] = []
    let results = try await scene.engine.testRestores(
      of: [], scratch: scene.node.file("scratch"), configuration: configuration
    ) { told.append($0.stack) }
    scene.locks.releaseAll()
    held.release()
    #expect(results.map(\.hasSucceeded) == [false, true], "\(results)")
    #expect(told == ["photos", "wiki"])
    let coverage = try BackupCoverage(
      set: .sample(scene.stacks), configuration: configuration, folders: scene.node.folders)
    #expect(coverage.rows[0].gaps.contains { $0.contains("last restore failed") && $0.contains("works on photos") })
    #expect(coverage.rows[1].gaps == [])
    scene.expectClean()
  }

  @Test("A repository that can not be made, or read, leaves the others alone")
  func repositories() async throws {
    let (scene, configuration) = try await scene()
    try scene.write("no folder", to: "repositories/photos")
    let states = try await scene.engine.initialise(of: [], configuration: configuration)
    #expect(states.map(\.stack) == ["photos", "wiki"])
    #expect(states[0].problem != nil && states[0].isNew == nil)
    #expect(states[1].problem == nil && states[1].isNew == true)
    let folder = scene.node.file("keys")
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    let keys = await scene.engine.exportKeys(to: folder, configuration: configuration)
    #expect(keys.map { $0.problem == nil } == [false, true], "\(keys)")
    #expect(scene.text("keys/borg-per-service.wiki.key")?.hasPrefix("BORG_KEY") == true)
    #expect(scene.text("keys/borg-per-service.photos.key") == nil)
  }

  @Test("Of several snapshots, one that can not be made leaves the others alone")
  func snapshots() async throws {
    let (scene, _) = try await scene()
    // As on a plain disk.
    scene.node.state.withLock { $0.volumes["data/photos"] = nil }
    let (made, failures) = try await scene.engine.snapshotEngine.create([], label: "before")
    scene.locks.releaseAll()
    #expect(made.map(\.stack) == ["wiki"])
    #expect(failures.map(\.stack) == ["photos"])
    #expect(failures.first?.error.kind == .noSnapshots)
  }

  @Test(
    "The program ends with the documented code", .enabled(if: AgentProgram.isPossible),
    arguments: [
      (["test-restore", "typo"], Int32(4)), (["test-restore", "--plan", "typo"], 4), (["init", "typo"], 4),
      (["run", "typo"], 4), (["check", "typo"], 4), (["prune", "typo"], 4),
      (["run", "snapshots", "--stack", "wiki"], 1),
      (["test-restore", "wiki"], 1), (["init", "wiki"], 1), (["test-restore"], 0),
    ] as [([String], Int32)])
  func exitCodes(arguments: [String], code: Int32) async throws {
    let scene = try BackupScene(stacks: ["photos", "wiki"])
    try scene.write(
      #"""
      {"schema":1,"ping":null,"repositories":{},"plans":{"snapshots":{"design":"stack-snapshots","tier":2,
      "stacks":["photos"],"repository":null,"settings":{"retention":{"last":1,"daily":0,"weekly":0,"monthly":0,
      "yearly":0},"stackRetention":{}}}}}
      """#, to: "backup.json")
    let set = try JSONEncoder().encode(StackSet.sample(directory: scene.node.file("stacks"), scene.stacks))
    try set.write(to: URL(fileURLWithPath: scene.node.file("set.json")))
    let ended = try await TestProgram.run(
      AgentProgram.path,
      ["backup"] + arguments + [
        "--state", scene.node.file("state"), "--runtime", scene.node.file("run"), "--configuration",
        scene.node.file("backup.json"), "--stacks", scene.node.file("set.json"),
      ])
    #expect(ended.status == code, "\(ended.errors)")
    #expect(!ended.errors.isEmpty)
  }
}
