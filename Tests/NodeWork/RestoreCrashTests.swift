import Foundation
import NodeWork
import ProgramRunner
import StackSet
import Synchronization
import Testing

/// LVM, Docker Compose and Borg are played (see SimulatedNode): what is shown is the order of acts and what is written down
/// at each point where a restore can be killed. The renames are real.
@Suite("Killed restores")
struct RestoreCrashTests {
  enum Moment: String, CaseIterable, Sendable { case before, after }

  /// What lies in the stack's volumes.
  struct Content: Equatable {
    var library: String?
    var database: String?
    static let archived = Content(library: "picture of photos", database: "rows")

    init(library: String?, database: String?) { (self.library, self.database) = (library, database) }

    init(_ scene: BackupScene) {
      library = scene.text("srv/photos/library/one.jpg")
      database = scene.text("srv/photos/database/table")
    }
  }

  private func backedUp(_ stacks: [String] = ["photos"]) async throws -> (BackupScene, BackupConfiguration) {
    let scene = try BackupScene(playsBorg: true, stacks: stacks, quiesce: .dump)
    let configuration = try scene.configuration()
    #expect(try await scene.run(configuration).allSatisfy { $0.outcome == .succeeded })
    return (scene, configuration)
  }

  private func spoil(_ scene: BackupScene, wasLost: Bool) throws -> Content {
    try scene.write("spoiled", to: "srv/photos/library/one.jpg")
    try scene.write("other rows", to: "srv/photos/database/table")
    if wasLost { try FileManager.default.removeItem(atPath: scene.node.file("srv/photos/database")) }
    return Content(scene)
  }

  private func restore(_ scene: BackupScene, _ configuration: BackupConfiguration) async throws -> RestoreResult {
    let (result, _) = try await scene.engine.restore(
      "photos", plan: configuration.plan("borg-per-service"), configuration: configuration)
    scene.locks.releaseAll()
    return result
  }

  /// - Returns: false where the restore ended before that command.
  private func isKilled(
    _ scene: BackupScene, _ configuration: BackupConfiguration, at death: SimulatedNode.Death
  ) async throws -> Bool {
    let (stream, continuation) = AsyncStream.makeStream(of: Bool.self)
    scene.node.die(death) { continuation.yield(true) }
    let engine = scene.engine
    let plan = try configuration.plan("borg-per-service")
    Task {
      _ = try? await engine.restore("photos", plan: plan, configuration: configuration)
      continuation.yield(false)
    }
    var wasKilled = false
    for await killed in stream {
      wasKilled = killed
      break
    }
    scene.locks.releaseAll()
    scene.node.die(nil)
    return wasKilled
  }

  @Test(
    "A restore that is killed at any of its steps is taken back, or ended, by the next start, and can be done again",
    arguments: Moment.allCases, [true, false])
  func killed(moment: Moment, wasLost: Bool) async throws {
    var outcomes: [Bool] = []
    for step in 0..<200 {
      let (scene, configuration) = try await backedUp()
      let before = try spoil(scene, wasLost: wasLost)
      guard try await isKilled(scene, configuration, at: moment == .before ? .before(step) : .after(step)) else {
        break
      }
      let comment = Comment(rawValue: "killed \(moment) command \(step)")
      try await scene.engine.recover(configuration)
      scene.locks.releaseAll()
      let content = Content(scene)
      #expect(content == before || content == .archived, comment)
      outcomes.append(content == .archived)
      scene.expectClean(comment)
      scene.expectNothingFetched(comment)
      #expect(try await restore(scene, configuration).hasSucceeded, comment)
      #expect(Content(scene) == .archived, comment)
    }
    // Fewer would mean that the restore was not what is thought here.
    #expect(outcomes.count > 15 && outcomes.count < 200)
    #expect(outcomes.contains(true) && outcomes.contains(false))
  }

  /// How far the renames had come when the power went.
  enum Cut: CaseIterable, Sendable { case none, firstAway, first, secondAway, both }

  @Test("A power cut between the renames leaves no volume missing, and none of two moments", arguments: Cut.allCases)
  func betweenRenames(cut: Cut) async throws {
    let (scene, configuration) = try await backedUp()
    let before = try spoil(scene, wasLost: false)
    let load = try await number(of: "up")
    #expect(try await isKilled(scene, configuration, at: .before(load)))
    let journal = try #require(scene.text("state/backup/photos/restore.json"))
    #expect(Content(scene) == .archived && journal.contains(#""step" : "load""#))
    try scene.write(
      journal.replacing(#""step" : "load""#, with: #""step" : "exchange""#), to: "state/backup/photos/restore.json")
    // Back to where it would have been then.
    let volumes = ["library", "database"]
    let done = [Cut.none: 0, .firstAway: 1, .first: 2, .secondAway: 3, .both: 4][cut] ?? 0
    let folder = scene.node.file("srv/photos")
    for (index, name) in volumes.enumerated().reversed() {
      let kept = try #require(
        try FileManager.default.contentsOfDirectory(atPath: folder).first { $0.hasPrefix(name + ".before-") })
      if done < 2 * index + 2 {
        let fetched = "\(folder)/.bootstead-restore-photos-\(name)/volumes"
        try FileManager.default.moveItem(atPath: "\(folder)/\(name)", toPath: "\(fetched)/\(name)")
      }
      if done < 2 * index + 1 {
        try FileManager.default.moveItem(atPath: "\(folder)/\(kept)", toPath: "\(folder)/\(name)")
      }
    }
    try await scene.engine.recover(configuration)
    scene.locks.releaseAll()
    #expect(Content(scene) == before)
    scene.expectClean()
    scene.expectNothingFetched()
    #expect(!(try FileManager.default.contentsOfDirectory(atPath: folder).contains { $0.contains(".before-") }))
    let history = try #require(scene.text("state/backup/photos/history.json"))
    #expect(history.contains("it was cut off; the data from before it is in its place"))
  }

  @Test("Taking it back that is killed too is done again")
  func killedTwice() async throws {
    let load = try await number(of: "up")
    for step in 0..<40 {
      let (scene, configuration) = try await backedUp()
      let before = try spoil(scene, wasLost: false)
      #expect(try await isKilled(scene, configuration, at: .before(load)))
      let (stream, continuation) = AsyncStream.makeStream(of: Bool.self)
      scene.node.die(.before(step)) { continuation.yield(true) }
      let engine = scene.engine
      Task {
        _ = try? await engine.recover(configuration)
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
      #expect(Content(scene) == before, "killed at \(step)")
      scene.expectClean("killed at \(step)")
      scene.expectNothingFetched("killed at \(step)")
      guard wasKilled else { return }
    }
    Issue.record("it never ended")
  }

  @Test("Where the data's file system is away at the next start, nothing is made in its place and the stack stays down")
  func unmounted() async throws {
    let (scene, configuration) = try await backedUp(["photos", "wiki"])
    let before = try spoil(scene, wasLost: false)
    let load = try await number(of: "up")
    #expect(try await isKilled(scene, configuration, at: .before(load)))
    let folder = scene.node.file("srv/photos")
    try FileManager.default.moveItem(atPath: folder, toPath: folder + "-away")
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: false)
    let refusal = await #expect(throws: NodeWorkError.self) { try await scene.engine.recover(configuration) }
    scene.locks.releaseAll()
    #expect(refusal?.kind == .unfinished)
    #expect("\(try #require(refusal))".contains("see that the file system of \(folder)/library is mounted"))

    let stacks = StackEngine(folders: scene.node.folders, runner: scene.node, say: { _ in })
    let set = StackSet.sample(directory: scene.node.file("stacks"), scene.stacks)
    let outcomes = try await stacks.apply(set)
    #expect(outcomes.map(\.action) == [.skipped, .started])
    #expect(outcomes[0].problem?.contains("backup recover") == true, "\(outcomes)")
    #expect(try await stacks.act(.start, on: "photos").map(\.action) == [.failed])
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder) == [])

    try FileManager.default.removeItem(atPath: folder)
    try FileManager.default.moveItem(atPath: folder + "-away", toPath: folder)
    try await scene.engine.recover(configuration)
    scene.locks.releaseAll()
    #expect(Content(scene) == before)
    scene.expectClean()
    #expect(try await stacks.apply(set).map(\.action) == [.started, .unchanged])
  }

  /// Of the first command of Compose with that verb in a restore.
  private func number(of verb: String) async throws -> Int {
    let (scene, configuration) = try await backedUp()
    let count = scene.node.state.withLock { $0.commands.count }
    #expect(try await restore(scene, configuration).hasSucceeded)
    let commands = scene.node.state.withLock { $0.commands.dropFirst(count) }
    let place = commands.firstIndex { $0.program == "docker" && $0.arguments.contains(verb) }
    return try #require(place) - count
  }
}
