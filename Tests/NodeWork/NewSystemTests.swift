import Foundation
import NodeWork
import Testing

/// With a real Borg; LVM and the container engine are played.
@Suite("Backups of a machine that was made anew")
struct NewSystemTests {
  @Test("Archives of its earlier system stay until a restore has succeeded, whatever the retention says")
  func retention() async throws {
    let scene = try BackupScene()
    let configuration = try scene.configuration()
    let repository = try scene.repository("photos", configuration)
    _ = try await repository.initialise()
    func run() async throws -> BackupResult { try #require(try await scene.run(configuration).first) }
    let good = [try await run(), try await run()].compactMap(\.archive)

    // The system's disk died, and the data with it. Its timer is quicker than its owner.
    try FileManager.default.removeItem(atPath: scene.node.file("state/backup"))
    try scene.write("", to: "srv/photos/library/one.jpg")
    for _ in 0..<2 {
      let result = try await run()
      #expect(result.outcome == .succeeded)
      #expect(result.notes.contains { $0.hasPrefix("no archive was removed") }, "\(result)")
    }
    let kept = try await repository.archives().map(\.name)
    #expect(kept.count == 4 && Array(kept.prefix(2)) == good)

    let (restored, _) = try await scene.engine.restore(
      "photos", archive: good[1], plan: configuration.plan("borg-per-service"), configuration: configuration)
    scene.locks.releaseAll()
    #expect(restored.hasSucceeded && scene.text("srv/photos/library/one.jpg") == "picture of photos")
    let last = try await run()
    #expect(last.notes == [])
    #expect(try await repository.archives().map(\.name) == [kept[3], last.archive])
  }

  @Test("'latest' is refused with both names where the newest archive may be of an empty stack; a name goes through")
  func latest() async throws {
    let scene = try BackupScene()
    let configuration = try scene.configuration()
    let plan = try configuration.plan("borg-per-service")
    let repository = try scene.repository("photos", configuration)
    _ = try await repository.initialise()
    func restore(_ archive: String) async throws -> RestoreResult {
      defer { scene.locks.releaseAll() }
      return try await scene.engine.restore("photos", archive: archive, plan: plan, configuration: configuration).result
    }
    let good = try #require(try await scene.run(configuration).first?.archive)
    // Without a restore, what this system has made is what is meant.
    #expect(try await restore("latest").archive == good)

    // Its repository was away during the rebuild, so that nothing came back. Then the timer ran.
    try FileManager.default.removeItem(atPath: scene.node.file("state/backup"))
    try scene.write("", to: "srv/photos/library/one.jpg")
    let empty = try #require(try await scene.run(configuration).first?.archive)
    let refusal = await #expect(throws: NodeWorkError.self) { _ = try await restore("latest") }
    #expect(refusal?.kind == .ambiguous)
    let said = "\(try #require(refusal))"
    #expect(said.contains(good) && said.contains(empty))
    #expect(scene.text("srv/photos/library/one.jpg") == "")
    scene.expectClean()

    // Whoever names it gets it. The archives from before are not safe to remove for that.
    #expect(try await restore(empty).hasSucceeded)
    let later = try #require(try await scene.run(configuration).first)
    #expect(later.notes.contains { $0.hasPrefix("no archive was removed") }, "\(later)")
    #expect(try await restore(good).hasSucceeded)
    #expect(scene.text("srv/photos/library/one.jpg") == "picture of photos")
    #expect(try await restore("latest").archive == later.archive)
  }

  @Test("On a system that has run no backup yet, 'latest' is the newest of the earlier one")
  func untouched() async throws {
    let scene = try BackupScene()
    let configuration = try scene.configuration()
    _ = try await scene.repository("photos", configuration).initialise()
    let good = try #require(try await scene.run(configuration).first?.archive)
    try FileManager.default.removeItem(atPath: scene.node.file("state/backup"))
    let (result, _) = try await scene.engine.restore(
      "photos", plan: configuration.plan("borg-per-service"), configuration: configuration)
    #expect(result.hasSucceeded && result.archive == good)
  }
}
