import Foundation
import NodeWork
import ProgramRunner
import ProgramTestSupport
import StackSet
import Synchronization
import Testing

/// With a real Borg and real repositories; LVM and the container engine are played (see SimulatedNode).
@Suite("Backups with Borg")
struct BorgTests {
  private func initialised(_ scene: BackupScene) async throws -> BackupConfiguration {
    let configuration = try scene.configuration()
    for stack in scene.stacks { _ = try await scene.repository(stack.name, configuration).initialise() }
    return configuration
  }

  @Test("A repository is made once; making it again finds it, with the right passphrase only")
  func initialise() async throws {
    let scene = try BackupScene()
    let configuration = try scene.configuration()
    #expect(try await scene.repository("photos", configuration).initialise())
    #expect(try await !scene.repository("photos", configuration).initialise())
    try scene.write("another\n", to: "other")
    let wrong = try scene.repository("photos", try scene.configuration(passphrase: "other"))
    let error = await #expect(throws: NodeWorkError.self) { try await wrong.initialise() }
    #expect(error?.kind == .wrongPassphrase)
  }

  @Test(
    "What a run copied comes back as it was at the snapshot; what is excluded does not",
    arguments: [
      StackBackup.Quiesce.stop, .pause, .dump,
    ])
  func roundTrip(quiesce: StackBackup.Quiesce) async throws {
    let scene = try BackupScene(quiesce: quiesce)
    let configuration = try await initialised(scene)
    let result = try #require(try await scene.run(configuration).first)
    #expect(result.outcome == .succeeded, "\(result)")
    #expect(result.isChecked)
    scene.expectClean()

    let repository = try scene.repository("photos", configuration)
    let archive = try await repository.archive("latest")
    #expect(archive.name == result.archive)
    try FileManager.default.createDirectory(atPath: scene.node.file("out"), withIntermediateDirectories: true)
    try await repository.extract(archive.name, to: scene.node.file("out"))
    #expect(scene.text("out/volumes/library/one.jpg") == "picture of photos")
    #expect(scene.text("out/volumes/database/table") == "rows")
    #expect(scene.text("out/volumes/library/thumbs/one.jpg") == nil)
    #expect(scene.text("out/stack/compose.yaml") == #"{"name":"photos"}"#)
    #expect(scene.text("out/dump/database.dump") == (quiesce == .dump ? "dump of -T database pg_dump photos" : nil))
    #expect((result.downtimeSeconds != nil) == (quiesce != .dump))
  }

  @Test("A pause that an engine fails at is tried again, and given up where it goes on failing", arguments: [3, 99])
  func unableToFreeze(failures: Int) async throws {
    let scene = try BackupScene(quiesce: .pause)
    let configuration = try await initialised(scene)
    scene.node.state.withLock { $0.unpausable = ["server": failures] }
    let result = try #require(try await scene.run(configuration).first)
    #expect(result.outcome == (failures == 3 ? .succeeded : .failed), "\(result)")
    #expect((result.problem?.contains("unable to freeze") ?? false) == (failures == 99))
    scene.expectClean()
  }

  @Test("Retention removes what it does not keep, and only that stack's archives")
  func prune() async throws {
    let scene = try BackupScene()
    let configuration = try await initialised(scene)
    var names: [String] = []
    for number in 0..<3 {
      try scene.write("picture \(number)", to: "srv/photos/library/\(number).jpg")
      names.append(try #require(try await scene.run(configuration).first?.archive))
    }
    #expect(try await scene.repository("photos", configuration).archives().map(\.name) == Array(names.suffix(2)))
  }

  @Test("A wrong passphrase, and one that is not there, fail before a service stands still")
  func wrongPassphrase() async throws {
    let scene = try BackupScene()
    _ = try await initialised(scene)
    try scene.write("another\n", to: "other")
    for (file, text) in [("other", "the passphrase is wrong"), ("missing", "is not in")] {
      let result = try #require(try await scene.run(try scene.configuration(passphrase: file)).first)
      #expect(result.outcome == .failed)
      #expect(result.problem?.contains(text) == true, "\(result)")
      #expect(scene.node.state.withLock { state in !state.commands.contains { $0.arguments.contains("stop") } })
      scene.expectClean()
    }
  }

  @Test("A repository that is not there, or can not be reached, fails before a service stands still")
  func unreachable() async throws {
    let scene = try BackupScene()
    // Port 1 of this host: nobody listens.
    for (url, text) in [
      (nil, "does not exist"), ("ssh://backup@127.0.0.1:1/./node1", "see whether the target is up"),
    ] {
      let result = try #require(try await scene.run(try scene.configuration(url: url)).first)
      #expect(result.outcome == .failed)
      #expect(result.problem?.contains(text) == true, "\(result)")
      #expect(scene.node.state.withLock { state in !state.commands.contains { $0.arguments.contains("stop") } })
      scene.expectClean()
    }
  }

  @Test("Flipped bytes in a repository are found by check, and a restore says that it is not whole")
  func damaged() async throws {
    let scene = try BackupScene()
    var noise = SystemRandomNumberGenerator()
    let bytes = (0..<300_000).map { _ in UInt8.random(in: .min ... .max, using: &noise) }
    try Data(bytes).write(to: URL(fileURLWithPath: scene.node.file("srv/photos/library/noise.bin")))
    let configuration = try await initialised(scene)
    #expect(try await scene.run(configuration).map(\.outcome) == [.succeeded])
    let folder = scene.node.file("repositories/photos/data/0")
    func size(_ path: String) -> Int { (try? Data(contentsOf: URL(fileURLWithPath: path)).count) ?? 0 }
    let segments = try FileManager.default.contentsOfDirectory(atPath: folder).map { folder + "/" + $0 }
    let largest = try #require(
      segments.max { size($0) < size($1) })
    var content = try Data(contentsOf: URL(fileURLWithPath: largest))
    for place in stride(from: content.count / 2, to: content.count / 2 + 64, by: 1) { content[place] ^= 0xFF }
    try content.write(to: URL(fileURLWithPath: largest))

    let repository = try scene.repository("photos", configuration)
    let found = await #expect(throws: NodeWorkError.self) { try await repository.check() }
    #expect(found?.kind == .damaged, "\(String(describing: found))")
    try FileManager.default.createDirectory(atPath: scene.node.file("out"), withIntermediateDirectories: true)
    let name = try await repository.archive("latest").name
    let extracting = await #expect(throws: NodeWorkError.self) {
      try await repository.extract(name, to: scene.node.file("out"))
    }
    #expect(extracting?.kind == .damaged, "\(String(describing: extracting))")
  }

  @Test("The passphrase is on no command line, in no environment and in no message")
  func secrecy() async throws {
    let scene = try BackupScene()
    let configuration = try await initialised(scene)
    let results = try await scene.run(configuration)
    try scene.write("correct horse battery stapler\n", to: "other")
    let failed = try await scene.run(try scene.configuration(passphrase: "other"))
    let commands = scene.node.state.withLock { $0.commands }
    #expect(commands.contains { $0.program == "borg" })
    for command in commands {
      #expect(!"\(command)".contains("horse"))
      #expect(!command.environment.values.contains { $0.contains("horse") })
    }
    #expect(!"\(results) \(failed)".contains("horse"))
    let written = try FileManager.default.subpathsOfDirectory(atPath: scene.node.folders.state)
    for name in written {
      #expect(scene.text("state/" + name)?.contains("horse") != true)
    }
  }

  @Test("The lock of a Borg that was killed is freed before the next run")
  func staleLock() async throws {
    let scene = try BackupScene()
    let configuration = try await initialised(scene)
    // Another name of the host, as after a machine was renamed: Borg itself does not know that this lock is dead.
    let ended = try await TestProgram.run(
      "borg", ["with-lock", scene.node.file("repositories/photos"), "sh", "-c", "kill -9 $PPID"],
      environment: [
        "BORG_PASSCOMMAND": "cat \(scene.node.file("secret"))", "BORG_BASE_DIR": scene.node.folders.borg,
        "BORG_HOST_ID": "another-host",
      ])
    #expect(ended.status == -9)
    let journal = #"""
      {"schema":1,"run":"20260102T030405Z-1","stack":"photos","plan":"borg-per-service","tier":1,
      "started":"2026-01-02T03:04:05Z","step":"create","services":[],"snapshots":[],"mounts":[],"hasUsedRepository":true}
      """#
    try scene.write(journal, to: "state/backup/photos/journal.json")
    let results = try await scene.run(configuration)
    #expect(results.map(\.outcome) == [.succeeded], "\(results)")
  }

  @Test("A target that lets this machine only append takes whole runs, and nothing beside its own folder")
  func appendOnly() async throws {
    let scene = try BackupScene()
    // In place of SSH: what the forced command of this machine's key runs at the target.
    let target = scene.node.file("target")
    try FileManager.default.createDirectory(atPath: target, withIntermediateDirectories: true)
    try scene.write("#!/bin/sh\nexec borg serve --append-only --restrict-to-path '\(target)'\n", to: "serve")
    #expect(chmod(scene.node.file("serve"), 0o700) == 0)
    let shell = "\"\(scene.node.file("serve"))\""
    let configuration = try scene.configuration(url: "ssh://node1@nas\(target)", remoteShell: shell)
    let repository = try scene.repository("photos", configuration)
    #expect(try await repository.initialise())
    for _ in 0..<3 {
      let results = try await scene.run(configuration)
      #expect(results.map(\.outcome) == [.succeeded], "\(results)")
      #expect(results.first?.notes.contains { $0.contains("only append") } == true, "\(results)")
    }
    #expect(try await repository.archives().count == 2)
    let elsewhere = try scene.repository(
      "photos", try scene.configuration(url: "ssh://node1@nas\(scene.node.file("elsewhere"))", remoteShell: shell))
    let outside = await #expect(throws: NodeWorkError.self) { try await elsewhere.initialise() }
    #expect(outside?.kind == .repositoryMissing, "\(String(describing: outside))")
  }

  @Test("A stack that fails leaves the others alone, and the monitor is told")
  func isolation() async throws {
    let scene = try BackupScene(stacks: ["mail", "photos", "wiki"])
    try scene.write("https://ping.example.com/uuid", to: "ping")
    let configuration = try scene.configuration(ping: "\"\(scene.node.file("ping"))\"")
    for stack in ["mail", "wiki"] { _ = try await scene.repository(stack, configuration).initialise() }
    let results = try await scene.run(configuration)
    #expect(results.map(\.outcome) == [.succeeded, .failed, .succeeded])
    scene.expectClean()
    let pings = scene.node.state.withLock { $0.commands.filter { $0.program == "curl" } }
    #expect(pings.count == 2)
    #expect(pings.allSatisfy { !"\($0)".contains("example.com") })
    #expect(pings.first?.input?.contains("https://ping.example.com/uuid/start\"") == true)
    #expect(pings.last?.input?.contains("https://ping.example.com/uuid/fail\"") == true)
  }

  @Test("A full pool refuses the backup before a service stands still", arguments: [(95.0, 10.0), (10.0, 93.0)])
  func fullPool(data: Double, metadata: Double) async throws {
    let scene = try BackupScene()
    let configuration = try await initialised(scene)
    scene.node.state.withLock {
      $0.dataPercent = data
      $0.metadataPercent = metadata
    }
    let result = try #require(try await scene.run(configuration).first)
    #expect(result.outcome == .failed)
    #expect(result.problem?.contains("the pool data/pool is full") == true)
    #expect(scene.node.state.withLock { state in !state.commands.contains { $0.arguments.contains("stop") } })
    scene.expectClean()
  }

  @Test(
    "Whatever command of a run fails, the services run and nothing is left",
    arguments: [
      "stop database server", "lvcreate", "mount -t ext4", "mount --bind", " create --json",
      " prune ", " compact ", " check ",
    ])
  func failures(command: String) async throws {
    let scene = try BackupScene()
    let configuration = try await initialised(scene)
    scene.node.state.withLock { $0.failing[command] = "no such luck" }
    let result = try #require(try await scene.run(configuration).first)
    #expect(result.outcome == .failed)
    #expect(result.problem?.contains("no such luck") == true)
    scene.expectClean()
  }

  @Test("What can not be cleaned up is said, kept on record, and cleaned up later")
  func uncleanable() async throws {
    let scene = try BackupScene()
    let configuration = try await initialised(scene)
    scene.node.state.withLock { $0.failing["lvremove"] = "in use" }
    let result = try #require(try await scene.run(configuration).first)
    #expect(result.outcome == .failed)
    #expect(result.problem?.contains("left behind") == true)
    scene.node.state.withLock { $0.failing = [:] }
    try await scene.engine.recover(configuration)
    scene.locks.releaseAll()
    scene.expectClean()
  }
}
