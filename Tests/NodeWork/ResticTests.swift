import Foundation
import NodeWork
import ProgramRunner
import ProgramTestSupport
import StackSet
import Synchronization
import Testing

/// With a real Restic and a real REST server; LVM and the container engine are played (see SimulatedNode).
@Suite("Backups with Restic")
struct ResticTests {
  static let plan = "restic-rest"

  private func served(
    _ scene: BackupScene, isAppendOnly: Bool = true
  ) async throws -> (RESTServer, BackupConfiguration) {
    let server = try await RESTServer.start(of: scene.node, isAppendOnly: isAppendOnly)
    let configuration = try scene.restic(server.url + "node1")
    for stack in scene.stacks {
      #expect(try await scene.repository(stack.name, plan: Self.plan, configuration).initialise())
    }
    return (server, configuration)
  }

  private func neverStopped(_ scene: BackupScene) -> Bool { scene.commands("docker", " stop ").isEmpty }

  @Test("A repository is made once; making it again finds it, with the right passphrase only")
  func initialise() async throws {
    let scene = try BackupScene()
    let (server, configuration) = try await served(scene)
    #expect(try await !scene.repository("photos", plan: Self.plan, configuration).initialise())
    try scene.write("another\n", to: "other")
    let wrong = try scene.repository(
      "photos", plan: Self.plan, try scene.restic(server.url + "node1", passphrase: "other"))
    let error = await #expect(throws: NodeWorkError.self) { try await wrong.initialise() }
    #expect(error?.kind == .wrongPassphrase)
  }

  @Test(
    "What a run copied comes back as it was at the snapshot; what is excluded does not",
    arguments: [StackBackup.Quiesce.stop, .dump])
  func roundTrip(quiesce: StackBackup.Quiesce) async throws {
    let scene = try BackupScene(quiesce: quiesce)
    let (server, configuration) = try await served(scene)
    try scene.write("as it is", to: "srv/photos/library/a[b]*/x")
    let result = try #require(try await scene.run(plan: Self.plan, configuration).first)
    #expect(result.outcome == .succeeded, "\(result)")
    #expect(result.isChecked)
    #expect(result.files ?? 0 > 3)
    scene.expectClean()

    let repository = try scene.repository("photos", plan: Self.plan, configuration)
    let archive = try await repository.archive("latest")
    #expect(archive.name == result.archive)
    let plan = try configuration.plan(Self.plan)
    _ = try await scene.engine.extract(
      "photos", archive: "latest", to: scene.node.file("out"), plan: plan, configuration: configuration)
    #expect(scene.text("out/volumes/library/one.jpg") == "picture of photos")
    #expect(scene.text("out/volumes/database/table") == "rows")
    #expect(scene.text("out/volumes/library/thumbs/one.jpg") == nil)
    #expect(scene.text("out/stack/compose.yaml") == #"{"name":"photos"}"#)
    #expect(scene.text("out/dump/database.dump") == (quiesce == .dump ? "dump of -T database pg_dump photos" : nil))

    _ = try await scene.engine.extract(
      "photos", archive: archive.name, to: scene.node.file("part"), paths: ["volumes/library/a[b]*"], plan: plan,
      configuration: configuration)
    #expect(scene.text("part/volumes/library/a[b]*/x") == "as it is")
    #expect(scene.text("part/volumes/library/one.jpg") == nil)
    let missing = await #expect(throws: NodeWorkError.self) {
      try await repository.extract(archive.name, paths: ["volumes/nothing"], to: scene.node.file("none"))
    }
    #expect(missing?.kind == .archiveMissing)
    #expect(FileManager.default.fileExists(atPath: server.root + "/node1/photos/config"))
  }

  @Test(
    "Old archives go where the server lets them; from one that lets nothing go that is said, and all stay",
    arguments: [false, true])
  func prune(isAppendOnly: Bool) async throws {
    let scene = try BackupScene()
    let (server, configuration) = try await served(scene, isAppendOnly: isAppendOnly)
    var names: [String] = []
    for number in 0..<3 {
      try scene.write("picture \(number)", to: "srv/photos/library/\(number).jpg")
      let result = try #require(try await scene.run(plan: Self.plan, configuration).first)
      #expect(result.outcome == .succeeded, "\(result)")
      names.append(try #require(result.archive))
    }
    // Only the plan's own time removes any.
    #expect(scene.commands("restic", "forget").isEmpty)
    let results = try await scene.engine.prune(plan: Self.plan, configuration: configuration)
    #expect(results.map(\.problem) == [nil])
    #expect(results.first?.notes.contains { $0.contains("only add") } == isAppendOnly)
    let left = try await scene.repository("photos", plan: Self.plan, configuration).archives().map(\.name)
    #expect(left == (isAppendOnly ? names : Array(names.suffix(2))))
    #expect(FileManager.default.subpaths(atPath: server.root + "/node1/photos/locks") ?? [] == [])
  }

  @Test("A passphrase that is wrong or not there fails before a service stands still")
  func wrongPassphrase() async throws {
    let scene = try BackupScene()
    let (server, _) = try await served(scene)
    try scene.write("another\n", to: "other")
    for (file, text) in [("other", "the passphrase is wrong"), ("missing", "is not in")] {
      let configuration = try scene.restic(server.url + "node1", passphrase: file)
      let result = try #require(try await scene.run(plan: Self.plan, configuration).first)
      #expect(result.outcome == .failed)
      #expect(result.problem?.contains(text) == true, "\(result)")
      #expect(neverStopped(scene))
      scene.expectClean()
    }
  }

  @Test("A repository that is not there, or can not be reached or opened, fails before a service stands still")
  func unreachable() async throws {
    let scene = try BackupScene()
    let server = try await RESTServer.start(of: scene.node)
    let guarded = try await RESTServer.start("guarded", of: scene.node, login: true)
    // Port 1 of this host: nobody listens.
    for (url, text) in [
      (server.url, "backup init"), ("rest:http://127.0.0.1:1/", "see whether the target is up"),
      (guarded.url, "login"), (scene.node.file("nowhere"), "backup init"),
    ] {
      let result = try #require(try await scene.run(plan: Self.plan, try scene.restic(url)).first)
      #expect(result.outcome == .failed)
      #expect(result.problem?.contains(text) == true, "\(result)")
      #expect(neverStopped(scene))
      scene.expectClean()
    }
  }

  @Test("Flipped bytes are found by a check of all data, and neither restore brings a damaged archive back")
  func damaged() async throws {
    let scene = try BackupScene()
    var noise = SystemRandomNumberGenerator()
    let bytes = (0..<300_000).map { _ in UInt8.random(in: .min ... .max, using: &noise) }
    try Data(bytes).write(to: URL(fileURLWithPath: scene.node.file("srv/photos/library/noise.bin")))
    let (server, configuration) = try await served(scene)
    #expect(try await scene.run(plan: Self.plan, configuration).map(\.outcome) == [.succeeded])
    let folder = server.root + "/node1/photos/data"
    let packs = try FileManager.default.subpathsOfDirectory(atPath: folder).map { folder + "/" + $0 }
    var flipped = 0
    for pack in packs {
      guard var content = FileManager.default.contents(atPath: pack), content.count > 100_000 else { continue }
      for place in content.count / 2..<content.count / 2 + 64 { content[place] ^= 0xFF }
      try content.write(to: URL(fileURLWithPath: pack))
      flipped += 1
    }
    #expect(flipped == 1)

    let repository = try scene.repository("photos", plan: Self.plan, configuration)
    let found = await #expect(throws: NodeWorkError.self) { try await repository.check(verifyData: true) }
    #expect(found?.kind == .damaged, "\(String(describing: found))")
    let plan = try configuration.plan(Self.plan)
    let stops = scene.commands("docker", " stop ").count
    let (result, kept) = try await scene.engine.restore("photos", plan: plan, configuration: configuration)
    scene.locks.releaseAll()
    #expect(result.problem?.contains("did not come back whole") == true, "\(result)")
    #expect(kept == [])
    let test = try await scene.engine.testRestore(
      "photos", scratch: scene.node.file("scratch"), plan: plan, configuration: configuration)
    scene.locks.releaseAll()
    #expect(test.problem?.contains("did not come back whole") == true, "\(test)")
    #expect(scene.commands("docker", " stop ").count == stops)
    scene.expectClean()
  }

  @Test("Data comes back, what was there stays beside it, and a test of it counts for coverage")
  func restore() async throws {
    let scene = try BackupScene(quiesce: .dump)
    let (_, configuration) = try await served(scene)
    #expect(try await scene.run(plan: Self.plan, configuration).map(\.outcome) == [.succeeded])
    try scene.write("spoiled", to: "srv/photos/library/one.jpg")
    let plan = try configuration.plan(Self.plan)
    let (result, kept) = try await scene.engine.restore("photos", plan: plan, configuration: configuration)
    scene.locks.releaseAll()
    #expect(result.hasSucceeded, "\(result)")
    #expect(result.isVerified)
    #expect(scene.text("srv/photos/library/one.jpg") == "picture of photos")
    let before = try #require(kept.first { $0.contains("library.before-") })
    #expect(try String(contentsOfFile: before + "/one.jpg", encoding: .utf8) == "spoiled")
    scene.expectClean()
    let test = try await scene.engine.testRestore(
      "photos", scratch: scene.node.file("scratch"), plan: plan, configuration: configuration)
    #expect(test.hasSucceeded, "\(test)")
    let coverage = try BackupCoverage(
      set: .sample(scene.stacks), configuration: configuration, folders: scene.node.folders)
    #expect(coverage.rows.first?.newest["1"] != nil)
    #expect(coverage.rows.map(\.gaps) == [[]])
  }

  @Test("A run that is killed while Restic works leaves no process and no mount, and no lock after the next run")
  func killed() async throws {
    let scene = try BackupScene()
    let (server, configuration) = try await served(scene)
    let run = "20260102T030405Z-\(UInt64.random(in: 1 ... .max))"
    let locks = server.root + "/node1/photos/locks"
    // As a copy under way whose agent is gone: it waits for what never comes.
    async let child = TestProgram.run(
      "sh", ["-c", "sleep 600 | restic --repo '\(server.url)node1/photos' backup --stdin"],
      environment: [
        "BOOTSTEAD_RUN": run, "RESTIC_PASSWORD_FILE": scene.node.file("secret"),
        "RESTIC_CACHE_DIR": scene.node.folders.restic,
      ])
    while (FileManager.default.subpaths(atPath: locks) ?? []).isEmpty { try await Task.sleep(for: .milliseconds(50)) }

    // Meanwhile nobody else may remove anything.
    let busy = ResticRepository(
      url: server.url + "node1/photos", stack: "photos", machine: "node1",
      passphraseFile: scene.node.file("secret"), folder: scene.node.folders.restic, lockWait: .milliseconds(1),
      runner: scene.node)
    let locked = await #expect(throws: NodeWorkError.self) { try await busy.check(verifyData: false) }
    #expect(locked?.kind == .repositoryLocked, "\(String(describing: locked))")

    let journal = #"""
      {"schema":1,"run":"\#(run)","stack":"photos","plan":"restic-rest","tier":1,
      "started":"2026-01-02T03:04:05Z","step":"create","services":["server"],"snapshots":[],"mounts":[],
      "hasUsedRepository":true}
      """#
    try scene.write(journal, to: "state/backup/photos/journal.json")
    scene.node.state.withLock { $0.running["photos"] = ["database"] }
    let results = try await scene.engine.recover(configuration)
    scene.locks.releaseAll()
    #expect(results.map(\.outcome) == [.interrupted])
    #expect(try await child.status != 0)
    scene.expectClean()
    // While nobody has asked how the killed one ended, Restic takes it for alive: then the next run frees its lock.
    #expect(try await scene.run(plan: Self.plan, configuration).map(\.outcome) == [.succeeded])
    #expect(FileManager.default.subpaths(atPath: locks) ?? [] == [])
    scene.expectClean()
  }

  @Test("Secrets are on no command line and in no message; the passphrase is in no environment either")
  func secrecy() async throws {
    let scene = try BackupScene()
    let (server, _) = try await served(scene)
    try scene.write("node1\n", to: "user")
    try scene.write("tr0ub4dor\n", to: "password")
    let configuration = try scene.restic(
      server.url + "node1",
      environment: ["RESTIC_REST_USERNAME": "user", "RESTIC_REST_PASSWORD": "password"])
    let results = try await scene.run(plan: Self.plan, configuration)
    #expect(results.map(\.outcome) == [.succeeded], "\(results)")
    let pruned = try await scene.engine.prune(plan: Self.plan, configuration: configuration)
    scene.locks.releaseAll()
    let commands = scene.node.state.withLock { $0.commands }
    #expect(commands.contains { $0.environment["RESTIC_REST_PASSWORD"] == "tr0ub4dor" })
    for command in commands {
      #expect(!"\(command)".contains("horse") && !"\(command)".contains("tr0ub4dor"))
      #expect(!command.environment.values.contains { $0.contains("horse") })
    }
    let gone = try await scene.run(
      plan: Self.plan, try scene.restic(server.url, environment: ["RESTIC_REST_PASSWORD": "nothing"]))
    #expect(gone.first?.problem?.contains("RESTIC_REST_PASSWORD") == true)
    for text in ["horse", "tr0ub4dor"] {
      #expect(!"\(results) \(pruned) \(gone)".contains(text))
      for name in try FileManager.default.subpathsOfDirectory(atPath: scene.node.folders.state) {
        #expect(scene.text("state/" + name)?.contains(text) != true)
      }
    }
  }
}
