import Foundation
import NodeWork
import ProgramRunner
import StackSet
import Synchronization
import Testing

@Suite("Waiting for a stack that another process works on")
struct LockWaitTests {
  private func engine(
    _ scene: BackupScene, wait: Duration, say: @escaping @Sendable (String) -> Void
  ) -> BackupEngine {
    BackupEngine(
      folders: scene.node.folders, set: .sample(directory: scene.node.file("stacks"), scene.stacks),
      snapshots: NodeSnapshots(providers: [ThinSnapshots(runner: scene.node)], runner: scene.node), runner: scene.node,
      lockWait: wait, say: say)
  }

  @Test("A run waits until the other process is done, says so, and does the other stacks first")
  func waits() async throws {
    let scene = try BackupScene(playsBorg: true, stacks: ["photos", "wiki"])
    let configuration = try scene.configuration()
    let held = try FileLock.acquire(scene.node.file("state/backup/photos/lock"), holder: "photos")
    let said = Mutex<[String]>([])
    let engine = engine(scene, wait: .seconds(3600)) { line in
      said.withLock { $0.append(line) }
      if line.contains("waiting for it") { held.release() }
    }
    let results = try await engine.run(plan: "borg-per-service", configuration: configuration)
    #expect(results.map(\.stack) == ["wiki", "photos"])
    #expect(results.map(\.outcome) == [.succeeded, .succeeded])
    #expect(said.withLock { $0.contains { $0.contains("works on photos; waiting for it, 60 minutes at most") } })
    scene.expectClean()
  }

  @Test("The wait has an end, which is a failure on record; nothing of the stack was touched")
  func ends() async throws {
    let scene = try BackupScene(playsBorg: true)
    let configuration = try scene.configuration()
    let held = try FileLock.acquire(scene.node.file("state/backup/photos/lock"), holder: "photos")
    let engine = engine(scene, wait: .milliseconds(1)) { _ in }
    let results = try await engine.run(plan: "borg-per-service", configuration: configuration)
    held.release()
    #expect(results.map(\.outcome) == [.failed])
    #expect(results.first?.problem?.contains("works on photos, and has done so for") == true)
    #expect(scene.node.state.withLock { $0.commands.allSatisfy { $0.program == "lvs" } })
    let coverage = try BackupCoverage(
      set: .sample(scene.stacks), configuration: configuration, folders: scene.node.folders)
    #expect(coverage.rows[0].gaps.first?.contains("the last run failed") == true)
  }

  @Test("Tests of restores and prunes wait, too", arguments: ["test-restore", "prune"])
  func others(kind: String) async throws {
    let scene = try BackupScene(playsBorg: true)
    let configuration = try scene.configuration()
    let held = try FileLock.acquire(scene.node.file("state/backup/photos/lock"), holder: "photos")
    let isSaid = Mutex(false)
    let engine = engine(scene, wait: .seconds(3600)) { line in
      guard line.contains("waiting for it") else { return }
      isSaid.withLock { $0 = true }
      held.release()
    }
    if kind == "prune" {
      let results = try await engine.prune(plan: "borg-per-service", configuration: configuration)
      #expect(results.map(\.problem) == [nil])
    } else {
      // The played Borg has no archives: what matters is that it was asked.
      let results = try await engine.testRestores(
        of: [], scratch: scene.node.file("scratch"), configuration: configuration)
      #expect(results.first?.problem?.contains("another process") == false)
    }
    #expect(isSaid.withLock { $0 })
  }
}
