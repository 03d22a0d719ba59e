import Foundation
import NodeWork
import ProgramRunner
import StackSet
import Synchronization
import Testing

/// The container engine and LVM are played (see SimulatedNode); the locks are the kernel's.
@Suite("Whoever changes what runs of a stack")
struct ServicesLockTests {
  private func engine(_ scene: BackupScene) -> StackEngine {
    StackEngine(folders: scene.node.folders, runner: scene.node, patience: .zero, say: { _ in })
  }

  /// Whether somebody has it now.
  private static func isHeld(_ path: String) -> Bool {
    guard let lock = try? FileLock.acquire(path, holder: "a test") else { return true }
    lock.release()
    return false
  }

  @Test("keeps an apply and the verbs from that stack, and from no other; what depends on it is left alone too")
  func held() async throws {
    var scene = try BackupScene(stacks: ["photos", "wiki", "mail"])
    scene.stacks[2].dependsOn = ["photos"]
    let set = StackSet.sample(directory: scene.node.file("stacks"), scene.stacks)
    let lock = try FileLock.acquire(scene.node.folders.servicesLock("photos"), holder: "a test")
    let outcomes = try await engine(scene).apply(set)
    #expect(outcomes.map(\.action) == [.skipped, .started, .skipped])
    #expect(outcomes.first?.problem?.contains("another process works on the services of photos") == true)
    for verb in StackEngine.Verb.allCases {
      #expect(try await engine(scene).act(verb, on: "photos").map(\.action) == [.failed], "\(verb)")
    }
    #expect(scene.node.state.withLock { $0.commands.allSatisfy { !$0.arguments.contains("photos") } })
    lock.release()
    #expect(try await engine(scene).apply(set).map(\.action) == [.started, .unchanged, .started])
  }

  @Test("waits for the one before")
  func waits() async throws {
    let scene = try BackupScene()
    let set = StackSet.sample(directory: scene.node.file("stacks"), scene.stacks)
    let folders = scene.node.folders
    let patient = StackEngine(folders: folders, runner: scene.node, say: { _ in })
    let outcomes = try await ServicesLock.holding("photos", folders) {
      let waiting = Task.detached { try await patient.apply(set) }
      #expect(scene.node.state.withLock { $0.commands.isEmpty })
      return waiting
    }
    #expect(try await outcomes.value.map(\.action) == [.started])
  }

  @Test(
    "holds it in a backup while services stand still, and no longer",
    arguments: [StackBackup.Quiesce.stop, .pause])
  func backup(quiesce: StackBackup.Quiesce) async throws {
    let scene = try BackupScene(playsBorg: true, quiesce: quiesce)
    let path = scene.node.folders.servicesLock("photos")
    let seen = Mutex<[String: Bool]>([:])
    scene.node.watch { command in
      let place =
        switch command.program {
        case "docker": command.arguments.dropFirst(7).first ?? ""
        case "borg": command.arguments.first { ["create", "prune"].contains($0) } ?? ""
        default: command.program
        }
      seen.withLock { $0[place] = Self.isHeld(path) }
    }
    #expect(try await scene.run(scene.configuration()).map(\.outcome) == [.succeeded])
    let stop = quiesce == .stop ? "stop" : "pause"
    let start = quiesce == .stop ? "start" : "unpause"
    let held = seen.withLock { $0 }
    #expect([stop, "lvcreate", start].map { held[$0] } == [true, true, true], "\(held)")
    #expect(["create", "lvremove"].map { held[$0] } == [false, false], "\(held)")
  }

  @Test("holds it through a rollback, also where a kill cut it off and it is gone on with")
  func rollback() async throws {
    let scene = try BackupScene()
    let snapshots = SnapshotEngine(
      folders: scene.node.folders, set: .sample(directory: scene.node.file("stacks"), scene.stacks),
      snapshots: NodeSnapshots(providers: [ThinSnapshots(runner: scene.node)], runner: scene.node), runner: scene.node,
      say: { _ in })
    _ = try await snapshots.create("photos", label: "one")
    let journal = scene.node.file("state/backup/photos/snapshot.json")
    let path = scene.node.folders.servicesLock("photos")
    let seen = Mutex<(held: [Bool], journal: Data?)>(([], nil))
    scene.node.watch { command in
      guard command.program == "lvconvert" else { return }
      let held = Self.isHeld(path)
      seen.withLock {
        $0.held.append(held)
        $0.journal = $0.journal ?? (try? Data(contentsOf: URL(fileURLWithPath: journal)))
      }
    }
    _ = try await snapshots.rollBack("photos", label: "one")
    // As a kill in the middle leaves it.
    try seen.withLock { try #require($0.journal).write(to: URL(fileURLWithPath: journal)) }
    let set = StackSet.sample(directory: scene.node.file("stacks"), scene.stacks)
    let outcomes = try await engine(scene).apply(set)
    #expect(outcomes.map(\.action) == [.skipped])
    #expect(outcomes.first?.problem?.contains("was cut off") == true)
    #expect(try await engine(scene).act(.start, on: "photos").map(\.action) == [.failed])
    try await scene.engine.recover(nil)
    scene.locks.releaseAll()
    #expect(seen.withLock { $0.held } == [true, true])
    #expect(try await engine(scene).apply(set).map(\.action) == [.started])
  }
}
