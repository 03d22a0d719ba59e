import Foundation
import NodeWork
import ProgramRunner
import StackSet
import Synchronization
import Testing

/// With a real Borg; LVM and the container engine are played (see SimulatedNode).
@Suite("Restores")
struct RestoreTests {
  private func backedUp(_ quiesce: StackBackup.Quiesce = .dump) async throws -> (BackupScene, BackupConfiguration) {
    let scene = try BackupScene(quiesce: quiesce)
    let configuration = try scene.configuration()
    _ = try await scene.repository("photos", configuration).initialise()
    #expect(try await scene.run(configuration).map(\.outcome) == [.succeeded])
    return (scene, configuration)
  }

  @Test("Data comes back, what was there stays beside it, dumps are loaded and the hooks ask")
  func restore() async throws {
    let (scene, configuration) = try await backedUp()
    try scene.write("spoiled", to: "srv/photos/library/one.jpg")
    try scene.write("new", to: "srv/photos/library/two.jpg")
    let (result, kept) = try await scene.engine.restore(
      "photos", plan: configuration.plan("borg-per-service"), configuration: configuration)
    scene.locks.releaseAll()
    #expect(result.hasSucceeded, "\(result)")
    #expect(result.isVerified)
    #expect(scene.text("srv/photos/library/one.jpg") == "picture of photos")
    #expect(scene.text("srv/photos/library/two.jpg") == nil)
    let before = try #require(kept.first { $0.contains("library.before-") })
    #expect(try String(contentsOfFile: before + "/one.jpg", encoding: .utf8) == "spoiled")
    let load = scene.node.state.withLock { $0.commands.first { $0.arguments.contains("pg_restore") } }
    #expect(load?.inputFile?.hasSuffix("/dump/database.dump") == true)
    scene.expectClean()
    let left = try FileManager.default.contentsOfDirectory(atPath: scene.node.file("srv/photos"))
    #expect(!left.contains { $0.hasPrefix(".bootstead") })
  }

  @Test("A stack whose disk died comes back into empty folders")
  func afterLoss() async throws {
    let (scene, configuration) = try await backedUp(.stop)
    try FileManager.default.removeItem(atPath: scene.node.file("srv/photos/library"))
    try FileManager.default.removeItem(atPath: scene.node.file("srv/photos/database"))
    let (result, kept) = try await scene.engine.restore(
      "photos", plan: configuration.plan("borg-per-service"), configuration: configuration)
    #expect(result.hasSucceeded, "\(result)")
    #expect(kept == [])
    #expect(scene.text("srv/photos/database/table") == "rows")
  }

  @Test("A volume that was made anew grows to what it was when the archive was made, before anything is fetched")
  func grows() async throws {
    var scene = try BackupScene()
    let owner = StackOwner(user: Int(getuid()), group: Int(getgid()))
    let mountPoint = scene.node.file("srv/photos")
    scene.stacks[0].volumes = ["library", "database"].map {
      .sample($0, class: .photos, mountPoint + "/" + $0, owner: owner)
    }
    func volume(bytes: UInt64) -> SimulatedNode.Volume {
      SimulatedNode.Volume(
        folder: mountPoint, tags: ["bootstead.stack-disk", "bootstead.formatted"], mountPoint: mountPoint, bytes: bytes)
    }
    // By hand, or by 'storage extend': the settings know of 10 GiB.
    scene.node.state.withLock { $0.volumes["data/photos"] = volume(bytes: 300 << 30) }
    let configuration = try scene.configuration()
    _ = try await scene.repository("photos", configuration).initialise()
    #expect(try await scene.run(configuration).map(\.outcome) == [.succeeded])
    scene.node.state.withLock { $0.volumes["data/photos"] = volume(bytes: 10 << 30) }
    let result = try await scene.engine.restore(
      "photos", plan: configuration.plan("borg-per-service"), configuration: configuration
    ).result
    #expect(result.hasSucceeded, "\(result)")
    #expect(scene.node.state.withLock { $0.volumes["data/photos"]?.bytes } == 300 << 30)
    #expect(
      result.notes.contains { $0.contains("settings.stacks.settings.photos.sizes.library = 300GiB") }, "\(result)")
    let commands = scene.node.state.withLock { $0.commands.map(\.program) }
    #expect(commands.contains("resize2fs"))
  }

  @Test("What can not fit is refused before it is fetched, with the setting to give, and what runs goes on")
  func tooLarge() async throws {
    let (scene, configuration) = try await backedUp(.stop)
    let file = scene.node.file("state/backup/photos/history.json")
    let text = try String(contentsOfFile: file, encoding: .utf8)
    let large = text.replacing(/"originalBytes"\s*:\s*\d+/, with: #""originalBytes":1152921504606846976"#)
    try #require(large != text)
    try large.write(toFile: file, atomically: true, encoding: .utf8)
    let before = scene.node.state.withLock { $0.commands.count }
    let result = try await scene.engine.restore(
      "photos", plan: configuration.plan("borg-per-service"), configuration: configuration
    ).result
    #expect(!result.hasSucceeded)
    #expect(result.problem?.contains("settings.stacks.settings.photos.sizes.") == true, "\(result)")
    let later = scene.node.state.withLock { $0.commands.dropFirst(before) }
    #expect(!later.contains { $0.program == "borg" && $0.arguments.contains("volumes/library") })
    #expect(!later.contains { $0.arguments.contains("stop") })
    #expect(scene.text("srv/photos/library/one.jpg") == "picture of photos")
  }

  @Test("A damaged archive fails loudly, and what is there stays and runs on", arguments: [true, false])
  func damaged(isTest: Bool) async throws {
    let (scene, configuration) = try await backedUp(.stop)
    let folder = scene.node.file("repositories/photos/data/0")
    for name in try FileManager.default.contentsOfDirectory(atPath: folder) {
      let url = URL(fileURLWithPath: folder + "/" + name)
      var content = try Data(contentsOf: url)
      // Behind the header of each entry: its data.
      for place in stride(from: 60, to: content.count, by: 97) { content[place] ^= 0x55 }
      try content.write(to: url)
    }
    let plan = try configuration.plan("borg-per-service")
    let commands = scene.node.state.withLock { $0.commands.count }
    var failure: String?
    do {
      if isTest {
        failure = try await scene.engine.testRestore(
          "photos", scratch: scene.node.file("scratch"), plan: plan, configuration: configuration
        ).problem
      } else {
        failure = try await scene.engine.restore("photos", plan: plan, configuration: configuration).result.problem
      }
    } catch {
      failure = "\(error)"
    }
    #expect(failure != nil)
    #expect(scene.text("srv/photos/library/one.jpg") == "picture of photos")
    let later = scene.node.state.withLock { $0.commands.dropFirst(commands) }
    #expect(!later.contains { $0.arguments.contains("stop") })
    scene.expectClean()
    scene.expectNothingFetched()
  }

  @Test(
    "An archive that its pool has no room for beside the data is refused before anything is fetched",
    arguments: [true, false], [true, false])
  func room(isKnown: Bool, isTest: Bool) async throws {
    let (scene, configuration) = try await backedUp(.stop)
    // A new system does not know how large it is: its repository does.
    if !isKnown { try FileManager.default.removeItem(atPath: scene.node.file("state/backup")) }
    // The archive is larger, as it holds the stack's description too.
    scene.node.state.withLock { $0.poolBytes = 1000 }
    let plan = try configuration.plan("borg-per-service")
    let before = scene.node.state.withLock { $0.commands.count }
    // As if the scratch folder lay in the same pool.
    let scratch = scene.node.file("srv/photos")
    let result =
      isTest
      ? try await scene.engine.testRestore("photos", scratch: scratch, plan: plan, configuration: configuration)
      : try await scene.engine.restore("photos", plan: plan, configuration: configuration).result
    let problem = try #require(result.problem)
    #expect(problem.contains("the pool data/pool is full to 41.5 %, and would be to"), "\(problem)")
    let later = scene.node.state.withLock { $0.commands.dropFirst(before) }
    #expect(!later.contains { $0.arguments.contains("stop") || $0.arguments.contains("volumes/library") })
    #expect(scene.text("srv/photos/library/one.jpg") == "picture of photos")
    scene.expectClean()
    scene.expectNothingFetched()
  }

  @Test(
    "Where dumps can not be loaded, the data from before is back and runs, and that is said", arguments: [true, false])
  func loadFails(wasLost: Bool) async throws {
    let (scene, configuration) = try await backedUp()
    try scene.write("spoiled", to: "srv/photos/library/one.jpg")
    if wasLost { try FileManager.default.removeItem(atPath: scene.node.file("srv/photos/database")) }
    scene.node.state.withLock { $0.failing["pg_restore"] = "relation \"album\" already exists" }
    let (result, kept) = try await scene.engine.restore(
      "photos", plan: configuration.plan("borg-per-service"), configuration: configuration)
    #expect(!result.hasSucceeded && kept == [])
    #expect(result.problem?.contains("already exists") == true, "\(result)")
    #expect(result.problem?.hasSuffix("The data from before is back, and what ran before runs") == true, "\(result)")
    #expect(scene.text("srv/photos/library/one.jpg") == "spoiled")
    #expect(scene.text("srv/photos/database/table") == (wasLost ? nil : "rows"))
    scene.expectClean()
    scene.expectNothingFetched()
    let names = try FileManager.default.contentsOfDirectory(atPath: scene.node.file("srv/photos"))
    #expect(!names.contains { $0.contains(".before-") })
  }

  @Test("Where the hooks do not pass, the archive's data stays, and where the data from before lies is said")
  func verifyFails() async throws {
    let (scene, configuration) = try await backedUp()
    try scene.write("spoiled", to: "srv/photos/library/one.jpg")
    scene.node.state.withLock { $0.failing["exec -T server ping"] = "connection refused" }
    let (result, kept) = try await scene.engine.restore(
      "photos", plan: configuration.plan("borg-per-service"), configuration: configuration)
    #expect(!result.hasSucceeded && kept.count == 2)
    let problem = try #require(result.problem)
    #expect(problem.contains("connection refused") && kept.allSatisfy(problem.contains), "\(problem)")
    #expect(scene.text("srv/photos/library/one.jpg") == "picture of photos")
    scene.expectClean()
    scene.expectNothingFetched()
  }

  @Test("A test restore is recorded, and coverage says what is missing")
  func coverage() async throws {
    let (scene, configuration) = try await backedUp()
    let set = StackSet.sample(scene.stacks)
    let before = try BackupCoverage(set: set, configuration: configuration, folders: scene.node.folders)
    #expect(before.rows.map(\.gaps) == [["no restore was ever tried"]])
    let result = try await scene.engine.testRestore(
      "photos", scratch: scene.node.file("scratch"), plan: configuration.plan("borg-per-service"),
      configuration: configuration)
    #expect(result.hasSucceeded, "\(result)")
    #expect(try FileManager.default.contentsOfDirectory(atPath: scene.node.file("scratch")) == [])
    let after = try BackupCoverage(set: set, configuration: configuration, folders: scene.node.folders)
    #expect(after.rows.map(\.gaps) == [[]])
    let late = try BackupCoverage(
      set: set, configuration: configuration, folders: scene.node.folders, now: .now.addingTimeInterval(50 * 86400))
    #expect(late.rows.first?.gaps.count == 2)
    let none = try BackupCoverage(set: set, configuration: nil, folders: scene.node.folders)
    #expect(none.rows.map(\.gaps) == [["no plan holds it"]])
  }

  @Test("Nothing is extracted over what is there")
  func extractOver() async throws {
    let (scene, configuration) = try await backedUp(.stop)
    let plan = try configuration.plan("borg-per-service")
    let error = await #expect(throws: NodeWorkError.self) {
      try await scene.engine.extract(
        "photos", archive: "latest", to: scene.node.file("srv/photos"), plan: plan, configuration: configuration)
    }
    #expect(error?.kind == .file)
    _ = try await scene.engine.extract(
      "photos", archive: "latest", to: scene.node.file("new/place"), paths: ["volumes/library"], plan: plan,
      configuration: configuration)
    #expect(scene.text("new/place/volumes/library/one.jpg") == "picture of photos")
  }
}
