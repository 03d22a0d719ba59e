import Foundation
import NodeWork
import StackSet
import Synchronization
import Testing

/// LVM, mounts and the container engine are played (see SimulatedNode).
@Suite("Stacks whose data is not mounted")
struct VolumeMountTests {
  private func engine(_ scene: BackupScene) -> StackEngine {
    StackEngine(folders: scene.node.folders, runner: scene.node, say: { _ in })
  }

  /// As after a start without its data disk: the mount point is an empty folder of the file system beneath.
  private func lose(_ stack: String, _ scene: BackupScene) throws -> String {
    let folder = scene.node.file("srv/" + stack)
    scene.node.state.withLock {
      $0.declared = ["/", scene.node.file("srv/photos"), scene.node.file("srv/wiki"), "/boot"]
      $0.volumes["data/" + stack]?.mountPoint = nil
      $0.running = [:]
    }
    try FileManager.default.removeItem(atPath: folder)
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: false)
    return folder
  }

  @Test("It is not started, nothing is made below the mount point, and the other stacks run")
  func missing() async throws {
    let scene = try BackupScene(playsBorg: true, stacks: ["photos", "wiki"])
    let set = StackSet.sample(directory: scene.node.file("stacks"), scene.stacks)
    let folder = try lose("photos", scene)
    let outcomes = try await engine(scene).apply(set)
    #expect(outcomes.map(\.action) == [.failed, .started])
    let problem = try #require(outcomes[0].problem)
    #expect(problem.contains("\(folder) is not mounted (/dev/disk/by-label/data), and photos keeps library on it"))
    #expect(problem.contains("run 'mount \(folder)'"))
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder) == [])
    for verb in [StackEngine.Verb.up, .start, .restart] {
      #expect(try await engine(scene).act(verb, on: nil).map(\.action) == [.failed, .started])
    }
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder) == [])
    // What runs may always be ended.
    #expect(try await engine(scene).act(.stop, on: "photos").map(\.action) == [.stopped])

    scene.node.state.withLock { $0.volumes["data/photos"]?.mountPoint = folder }
    #expect(try await engine(scene).act(.start, on: "photos").map(\.action) == [.started])
    #expect(try await engine(scene).apply(set).map(\.action).contains(.failed) == false)
    #expect(FileManager.default.fileExists(atPath: folder + "/library"))
  }

  @Test("A restore does not fill the file system beneath either")
  func restore() async throws {
    let scene = try BackupScene(playsBorg: true, stacks: ["photos", "wiki"])
    let configuration = try scene.configuration()
    #expect(try await scene.run(configuration).map(\.outcome) == [.succeeded, .succeeded])
    let folder = try lose("photos", scene)
    let (result, _) = try await scene.engine.restore(
      "photos", plan: configuration.plan("borg-per-service"), configuration: configuration)
    scene.locks.releaseAll()
    #expect(result.problem?.contains("\(folder) is not mounted") == true, "\(result)")
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder) == [])
    scene.expectNothingFetched()
  }

  @Test(
    "A machine without a data disk, or with a file system of the stack's own below one that is away, is as it was",
    arguments: [[], ["/"], ["/", "/boot", "/srv/other"], ["/srv"]])
  func declared(targets: [String]) async throws {
    let scene = try BackupScene(playsBorg: true)
    scene.node.state.withLock { state in
      // The folder of the test stands for the root.
      state.declared = targets.map { $0 == "/srv" ? scene.node.file("srv") : $0 }
      state.running = [:]
      if targets != ["/srv"] { state.volumes["data/photos"]?.mountPoint = nil }
    }
    let set = StackSet.sample(directory: scene.node.file("stacks"), scene.stacks)
    #expect(try await engine(scene).apply(set).map(\.action) == [.started])
  }

  @Test(
    "Which folders a new system had to make is known for as long as it lives, and those that were there are not among them"
  )
  func made() async throws {
    let scene = try BackupScene(playsBorg: true)
    let set = StackSet.sample(directory: scene.node.file("stacks"), scene.stacks)
    try FileManager.default.removeItem(atPath: scene.node.file("srv/photos/database"))
    for _ in 0..<2 {
      let outcomes = try await engine(scene).apply(set)
      #expect(outcomes.map(\.made) == [[scene.node.file("srv/photos/database")]])
    }
  }
}
