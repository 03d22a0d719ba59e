import Foundation
import NodeWork
import ProgramRunner
import ProgramTestSupport
import StackSet
import Synchronization
import Testing

/// With a real zstd; the container engine is played (see SimulatedNode).
@Suite("Database dumps")
struct DumpPlanTests {
  private func scene(stacks: [String] = ["photos"]) throws -> (BackupScene, RealTools, BackupConfiguration) {
    let scene = try BackupScene(stacks: stacks, quiesce: .dump)
    let settings = #"{"directory":"\#(scene.node.file("dumps"))","keep":2}"#
    return (
      scene, RealTools(scene.node, mountsAll: false), try scene.configuration(design: "db-dump", settings: settings)
    )
  }

  private func dumps(_ scene: BackupScene, _ stack: String = "photos") -> [String] {
    (try? FileManager.default.contentsOfDirectory(atPath: scene.node.file("dumps/\(stack)")))?.sorted() ?? []
  }

  @Test("Dumps are whole, compressed, for root alone, and the last ones stay; files of other names are left alone")
  func kept() async throws {
    let (scene, tools, configuration) = try scene()
    try scene.write("mine", to: "dumps/photos/database.dump.note.zst")
    for _ in 0..<4 {
      let results = try await scene.engine(tools).run(plan: "db-dump", configuration: configuration)
      #expect(results.map(\.outcome) == [.succeeded], "\(results)")
    }
    let names = dumps(scene).filter { $0 != "database.dump.note.zst" }
    #expect(names.count == 2)
    #expect(dumps(scene).count == 3)
    for name in names {
      let path = scene.node.file("dumps/photos/\(name)")
      let text = try await TestProgram.output("zstd", ["--decompress", "--stdout", "--quiet", path])
      #expect(String(decoding: text, as: UTF8.self) == "dump of -T database pg_dump photos")
      let mode = try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? NSNumber
      #expect(mode?.intValue == 0o600)
    }
    scene.expectClean()
    let row = try await scene.coverage("photos", configuration)
    #expect(row.newest["1"] != nil)
    #expect(row.gaps == ["it has dumps alone, which are lost with their disk"])
  }

  @Test("A stack that does not run fails alone; the others are dumped, and its older dumps stay")
  func notRunning() async throws {
    let (scene, tools, configuration) = try scene(stacks: ["mail", "photos"])
    _ = try await scene.engine(tools).run(plan: "db-dump", configuration: configuration)
    let before = dumps(scene, "mail")
    scene.node.state.withLock { $0.running["mail"] = [] }
    let results = try await scene.engine(tools).run(plan: "db-dump", configuration: configuration)
    #expect(results.map(\.outcome) == [.failed, .succeeded])
    #expect(results[0].problem?.contains("mail/database does not run") == true)
    #expect(results[0].archive == nil)
    #expect(before.count == 1)
    #expect(dumps(scene, "mail") == before)
    #expect(dumps(scene).count == 2)
  }

  @Test(
    "A dump that is empty, fails, or can not be compressed leaves the older ones and nothing else",
    arguments: ["empty", "pg_dump photos", "zstd"])
  func failing(kind: String) async throws {
    let (scene, tools, configuration) = try scene()
    for _ in 0..<2 { _ = try await scene.engine(tools).run(plan: "db-dump", configuration: configuration) }
    let before = dumps(scene)
    switch kind {
    case "empty": scene.node.state.withLock { $0.dumpText = "" }
    case "zstd": tools.instead.withLock { $0["zstd --quiet --force"] = Command("false", []) }
    default: scene.node.state.withLock { $0.failing[kind] = "no such luck" }
    }
    let result = try #require(try await scene.engine(tools).run(plan: "db-dump", configuration: configuration).first)
    #expect(result.outcome == .failed)
    #expect(result.step == "dump")
    #expect(before.count == 2)
    #expect(dumps(scene) == before)
    scene.expectClean()
  }

  @Test("A full disk fails the dump and loses no older one")
  func full() async throws {
    try await withLoopDisk(megabytes: 2, make: ["mkfs.ext4", "-q", "-F", "-O", "^has_journal"]) { disk in
      let (scene, tools, configuration) = try scene()
      try await disk.mounted(at: scene.node.file("dumps")) {
        let first = try await scene.engine(tools).run(plan: "db-dump", configuration: configuration)
        #expect(first.map(\.outcome) == [.succeeded], "\(first)")
        let before = dumps(scene)
        // What does not compress.
        let text = try Data.incompressible(count: 6_000_000).base64EncodedString()
        scene.node.state.withLock { $0.dumpText = text }
        let second = try await scene.engine(tools).run(plan: "db-dump", configuration: configuration)
        #expect(second.map(\.outcome) == [.failed])
        #expect(second.first?.problem?.contains("No space left on device") == true, "\(second)")
        #expect(dumps(scene) == before)
        scene.expectClean()
      }
    }
  }

  @Test("A run that was killed leaves no half dump, no raw one and no lock behind")
  func killed() async throws {
    let (scene, tools, configuration) = try scene()
    _ = try await scene.engine(tools).run(plan: "db-dump", configuration: configuration)
    let before = dumps(scene)
    let partial = scene.node.file("dumps/photos/.new-database.dump.zst")
    try scene.write("half", to: "dumps/photos/.new-database.dump.zst")
    try scene.write("rows", to: "state/backup/photos/source/dump/database.dump")
    try scene.write(
      #"{"schema":1,"run":"20260102T030405Z-1","stack":"photos","plan":"db-dump","tier":1,"services":[],"mounts":[],"#
        + #""started":"2026-01-02T03:04:05Z","step":"dump","snapshots":[],"hasUsedRepository":false,"files":["\#(partial)"]}"#,
      to: "state/backup/photos/journal.json")
    let recovered = try await scene.engine(tools).recover(configuration)
    #expect(recovered.map(\.outcome) == [.interrupted])
    #expect(dumps(scene) == before)
    scene.expectClean()
    let row = try await scene.coverage("photos", configuration)
    #expect(row.gaps.contains { $0.contains("interrupted") })
  }
}
