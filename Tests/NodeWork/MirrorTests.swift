import Foundation
import NodeWork
import ProgramRunner
import ProgramTestSupport
import StackSet
import Synchronization
import Testing

/// With a real rsync, to folders of this machine. Mounts are real too, except where snapshots are played.
@Suite("Mirrors")
struct MirrorTests {
  /// The source is all of `srv`: two stacks' folders.
  private func scene(
    maximumDeletions: Int = 2, dumpFirst: Bool = false, path: String = "srv", ping: String = "null"
  ) throws -> (BackupScene, BackupConfiguration) {
    let scene = try BackupScene(stacks: ["photos", "wiki"], quiesce: .dump)
    try scene.write("", to: "mirror/.there")
    return (scene, try configuration(scene, maximumDeletions, dumpFirst, path: path, ping: ping))
  }

  private func configuration(
    _ scene: BackupScene, _ maximumDeletions: Int, _ dumpFirst: Bool = false, path: String = "srv",
    ping: String = "null"
  ) throws -> BackupConfiguration {
    try scene.configuration(
      design: "rsync-mirror",
      settings:
        #"{"paths":["\#(scene.node.file(path))"],"maximumDeletions":\#(maximumDeletions),"dumpFirst":\#(dumpFirst)}"#,
      repository: #"{"type":"rsync","url":"\#(scene.node.file("mirror"))","environmentFiles":{}}"#, ping: ping)
  }

  private func run(
    _ scene: BackupScene, _ configuration: BackupConfiguration, _ tools: RealTools? = nil
  ) async throws -> [BackupResult] {
    try await scene.engine(tools ?? RealTools(scene.node)).run(plan: "rsync-mirror", configuration: configuration)
  }

  /// A file at the mirror, which has the source's whole path.
  private func mirrored(_ scene: BackupScene, _ name: String) -> String? {
    scene.text("mirror" + scene.node.file(name))
  }

  @Test("What is there comes to the mirror, what goes goes there too, and each stack whose data is in it is told of")
  func mirror() async throws {
    let (scene, configuration) = try scene()
    let first = try await run(scene, configuration)
    #expect(first.map(\.stack) == [scene.node.file("srv"), "photos", "wiki"])
    #expect(first.allSatisfy { $0.outcome == .succeeded }, "\(first)")
    #expect(first[0].notes.first?.contains("was read while it was in use") == true)
    #expect(mirrored(scene, "srv/photos/library/one.jpg") == "picture of photos")

    try FileManager.default.removeItem(atPath: scene.node.file("srv/photos/library/one.jpg"))
    let second = try await run(scene, configuration)
    #expect(second.allSatisfy { $0.outcome == .succeeded }, "\(second)")
    #expect(second[0].notes.contains("1 files were deleted at the target"))
    #expect(mirrored(scene, "srv/photos/library/one.jpg") == nil)
    #expect(mirrored(scene, "srv/wiki/library/one.jpg") == "picture of wiki")
    #expect(try scene.mounts() == [])
    let row = try await scene.coverage("photos", configuration)
    #expect(row.newest["1"] != nil)
    #expect(row.gaps == ["no restore was ever tried"])
  }

  @Test("Owners, times, links and holes of names come as they are")
  func attributes() async throws {
    let (scene, configuration) = try scene()
    let source = scene.node.file("srv/photos/library")
    _ = try await TestProgram.output(
      "sh",
      [
        "-c",
        "cd '\(source)' && ln one.jpg two.jpg && ln -s one.jpg link && chown 2000:2001 one.jpg && "
          + "touch -d @1000000000 one.jpg && printf x > 'a name \u{e4} * with spaces' && chmod 0641 one.jpg",
      ])
    #expect(try await run(scene, configuration).allSatisfy { $0.outcome == .succeeded })
    let listing = "cd \"$1\" && stat -c '%n %u %g %a %Y %h %N' one.jpg two.jpg link 'a name \u{e4} * with spaces'"
    let here = try await TestProgram.output("sh", ["-c", listing, "sh", source])
    let there = try await TestProgram.output("sh", ["-c", listing, "sh", scene.node.file("mirror") + source])
    #expect(here == there)
    #expect(String(decoding: here, as: UTF8.self).contains("2000 2001 641 1000000000 2"))
  }

  @Test(
    "A mass deletion is refused before anything is deleted or copied, the monitor is told, and a higher limit lets it pass"
  )
  func guarded() async throws {
    let (scene, configuration) = try scene(ping: "\"/nonexistent\"")
    _ = try await run(scene, configuration)
    for name in ["photos/library", "photos/database", "wiki/library"] {
      try FileManager.default.removeItem(atPath: scene.node.file("srv/\(name)"))
    }
    try scene.write("new", to: "srv/wiki/database/new")
    let refused = try await run(scene, configuration)
    #expect(refused.allSatisfy { $0.outcome == .failed && $0.archive == nil })
    #expect(refused[0].problem?.contains("files would be deleted at") == true, "\(refused)")
    #expect(refused[0].problem?.contains("2 may be") == true)
    #expect(mirrored(scene, "srv/photos/library/one.jpg") == "picture of photos")
    #expect(mirrored(scene, "srv/wiki/database/new") == nil)
    let row = try await scene.coverage("photos", configuration)
    #expect(row.newest["1"] != nil)
    #expect(row.gaps.contains { $0.contains("would be deleted") })

    let allowed = try await run(scene, try self.configuration(scene, 100))
    #expect(allowed.allSatisfy { $0.outcome == .succeeded }, "\(allowed)")
    #expect(mirrored(scene, "srv/photos/library/one.jpg") == nil)
    #expect(mirrored(scene, "srv/wiki/database/new") == "new")
  }

  @Test("rsync itself stops where more is deleted than was counted before")
  func secondLine() async throws {
    let (scene, configuration) = try scene(maximumDeletions: 1)
    let tools = RealTools(scene.node)
    _ = try await run(scene, configuration, tools)
    // Between the count and the copy.
    let source = scene.node.file("srv")
    scene.node.watch { command in
      guard command.program == "rsync", !command.arguments.contains("--dry-run") else { return }
      try? FileManager.default.removeItem(atPath: source + "/photos/library")
    }
    let results = try await run(scene, configuration, tools)
    #expect(results.allSatisfy { $0.outcome == .failed }, "\(results)")
    #expect(results[0].problem?.contains("more was to be deleted than was counted") == true, "\(results)")
    #expect(try scene.mounts() == [])
  }

  @Test(
    "A source that is missing, empty or no folder fails, and its mirror stays", arguments: ["missing", "empty", "link"])
  func source(kind: String) async throws {
    let (scene, configuration) = try scene()
    _ = try await run(scene, configuration)
    let source = scene.node.file("srv")
    try FileManager.default.moveItem(atPath: source, toPath: source + ".away")
    switch kind {
    case "empty":
      try FileManager.default.createDirectory(atPath: source + "/lost+found", withIntermediateDirectories: true)
    case "link": try FileManager.default.createSymbolicLink(atPath: source, withDestinationPath: source + ".away")
    default: break
    }
    let results = try await run(scene, configuration)
    #expect(results.count == 3)
    #expect(results.allSatisfy { $0.outcome == .failed })
    let said = ["missing": "is not there", "empty": "is empty", "link": "is no folder"]
    #expect(results[0].problem?.contains(said[kind] ?? "") == true, "\(results)")
    #expect(mirrored(scene, "srv/photos/library/one.jpg") == "picture of photos")
  }

  @Test("A source below which a file system is declared that is not mounted is not copied")
  func unmounted() async throws {
    let (scene, configuration) = try scene()
    _ = try await run(scene, configuration)
    let tools = RealTools(scene.node)
    let table =
      #"{"filesystems":[{"target":"\#(scene.node.file("srv/photos"))","source":"/dev/gone","fstype":"ext4"}]}"#
    tools.instead.withLock { $0["findmnt --json --list --fstab"] = Command("echo", [table]) }
    let results = try await run(scene, configuration, tools)
    #expect(results.allSatisfy { $0.outcome == .failed })
    #expect(results[0].problem?.contains("srv/photos is not mounted (/dev/gone)") == true, "\(results)")
  }

  @Test("A target that is not there, or lies in its source, is refused", arguments: ["missing", "inside"])
  func target(kind: String) async throws {
    let (scene, configuration) = try scene()
    var changed = configuration
    changed.repositories["there"]?.url = scene.node.file(kind == "inside" ? "srv/photos" : "elsewhere")
    let results = try await run(scene, changed)
    #expect(results.allSatisfy { $0.outcome == .failed })
    #expect(results[0].problem?.contains(kind == "inside" ? "lie in each other" : "there is no") == true, "\(results)")
    #expect(!FileManager.default.fileExists(atPath: scene.node.file("elsewhere")))
  }

  @Test("A full target fails, and is said to be full")
  func full() async throws {
    let (scene, configuration) = try scene()
    try Data.incompressible(count: 6_000_000).write(
      to: URL(fileURLWithPath: scene.node.file("srv/photos/library/large")))
    try await withLoopDisk(megabytes: 3) { disk in
      try await disk.mounted(at: scene.node.file("mirror")) {
        let results = try await run(scene, configuration)
        #expect(results.allSatisfy { $0.outcome == .failed })
        #expect(results[0].problem?.contains("make room at the target") == true, "\(results)")
      }
    }
  }

  @Test("A file system that is mounted below the source is in the mirror")
  func nested() async throws {
    let (scene, configuration) = try scene()
    try await withLoopDisk(megabytes: 8) { disk in
      try await disk.mounted(at: scene.node.file("srv/wiki/inner")) {
        try scene.write("inner", to: "srv/wiki/inner/file")
        let results = try await run(scene, configuration)
        #expect(results.allSatisfy { $0.outcome == .succeeded }, "\(results)")
        #expect(try scene.mounts() == [scene.node.file("srv/wiki/inner")])
      }
      #expect(mirrored(scene, "srv/wiki/inner/file") == "inner")
    }
  }

  @Test("Databases are dumped before; one that can not be dumped fails its stack alone, and its older dump stays")
  func dumps() async throws {
    let (scene, configuration) = try scene(dumpFirst: true)
    #expect(try await run(scene, configuration).allSatisfy { $0.outcome == .succeeded })
    let dump = "mirror/bootstead-dumps/photos/database.dump"
    #expect(scene.text(dump) == "dump of -T database pg_dump photos")
    scene.expectClean()
    #expect(scene.text("state/backup/.plan-rsync-mirror/source/bootstead-dumps/photos/database.dump") == nil)
    scene.node.state.withLock { $0.failing["pg_dump photos"] = "no such luck" }
    let results = try await run(scene, configuration)
    #expect(results.map(\.outcome) == [.succeeded, .failed, .succeeded])
    #expect(results[1].problem?.contains("no such luck") == true)
    #expect(scene.text(dump) == "dump of -T database pg_dump photos")
  }

  @Test("Where there are snapshots, what is mirrored is of their moment, and they go", arguments: ["", "/library"])
  func snapshots(below: String) async throws {
    let (scene, configuration) = try scene(path: "srv/photos" + below)
    let tools = RealTools(scene.node, mountsAll: false)
    scene.node.watch { command in
      guard command.program == "rsync" else { return }
      try? scene.write("changed", to: "srv/photos/library/one.jpg")
    }
    let results = try await run(scene, configuration, tools)
    #expect(results[0].outcome == .succeeded, "\(results)")
    #expect(results[0].notes == [])
    // With the library alone not all of the stack is copied.
    #expect(results.map(\.stack).dropFirst() == (below.isEmpty ? ["photos"] : []))
    #expect(mirrored(scene, "srv/photos/library/one.jpg") == "picture of photos")
    scene.expectClean()
  }

  @Test("A stack that is being restored is not told to be copied")
  func locked() async throws {
    let (scene, configuration) = try scene()
    let held = try FileLock.acquire(scene.node.file("state/backup/photos/lock"), holder: "photos")
    let results = try await run(scene, configuration)
    held.release()
    #expect(results.map(\.outcome) == [.succeeded, .failed, .succeeded])
    #expect(results[1].problem?.contains("another process works on photos") == true)
  }

  @Test("Single stacks can not be picked of folders")
  func selection() async throws {
    let (scene, configuration) = try scene()
    let engine = scene.engine(RealTools(scene.node))
    let error = await #expect(throws: NodeWorkError.self) {
      try await engine.run(plan: "rsync-mirror", configuration: configuration, only: ["photos"])
    }
    #expect(error?.advice == "run it without --stack")
  }
}
