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
}
