import Foundation
import NodeWork
import StackSet
import Synchronization
import Testing

/// LVM is played (see SimulatedNode): what is shown is what the agent asks for, and what it leaves when it is killed.
@Suite("Scheduled snapshots")
struct SnapshotScheduleTests {
  private func engine(_ scene: BackupScene) -> SnapshotEngine {
    let locks = scene.locks
    return SnapshotEngine(
      folders: scene.node.folders, set: .sample(directory: scene.node.file("stacks"), scene.stacks),
      snapshots: NodeSnapshots(providers: [ThinSnapshots(runner: scene.node)], runner: scene.node), runner: scene.node,
      lock: { path, holder throws(NodeWorkError) in
        let lock = try FileLock.acquire(path, holder: holder)
        locks.held.withLock { $0.append(lock) }
        return lock
      }, say: { _ in })
  }

  private func names(_ scene: BackupScene) -> [String] {
    scene.node.state.withLock { $0.volumes.keys.sorted() }
  }

  @Test(
    "Retention keeps the newest of each span's latest periods, and all where nothing is to be kept",
    arguments: [
      (Retention(last: 2), ["20260301T010000Z-a", "20260301T000000Z-b"]),
      (Retention(daily: 2), ["20260301T010000Z-a", "20260228T230000Z-c"]),
      // 2026-03-01 is a Sunday, 2026-02-22 the one before.
      (Retention(weekly: 2), ["20260301T010000Z-a", "20260222T230000Z-d"]),
      (Retention(monthly: 3), ["20260301T010000Z-a", "20260228T230000Z-c", "20251231T230000Z-e"]),
      (Retention(yearly: 2), ["20260301T010000Z-a", "20251231T230000Z-e"]),
      (
        Retention(last: 1, yearly: 2), ["20260301T010000Z-a", "20251231T230000Z-e"]
      ),
      (
        Retention(),
        [
          "20260301T010000Z-a", "20260301T000000Z-b", "20260228T230000Z-c", "20260222T230000Z-d", "20251231T230000Z-e",
        ]
      ),
    ])
  func retention(rule: Retention, kept: [String]) async throws {
    let scene = try BackupScene()
    let labels = [
      "20260301T010000Z-a", "20260301T000000Z-b", "20260228T230000Z-c", "20260222T230000Z-d", "20251231T230000Z-e",
    ]
    for label in labels { add(scene, "scheduled", label) }
    _ = try await engine(scene).prune("photos", retention: rule)
    #expect(names(scene).dropFirst().sorted() == kept.map { "data/photos.scheduled.photos.\($0)" }.sorted())
  }

  private func add(_ scene: BackupScene, _ purpose: String, _ label: String) {
    let folder = scene.node.file("devices-\(purpose)-\(label)")
    try? FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    scene.node.state.withLock {
      $0.volumes["data/photos.\(purpose).photos.\(label)"] = SimulatedNode.Volume(
        folder: folder, origin: "photos",
        tags: [
          "bootstead.snapshot", "bootstead.purpose.\(purpose)", "bootstead.stack.photos", "bootstead.label.\(label)",
          "bootstead.fs.ext4", "bootstead.origin.photos",
        ])
    }
  }

  @Test("A plan makes one of each stack, drops its old ones, and never those made by hand or by a backup")
  func plan() async throws {
    let scene = try BackupScene()
    for (purpose, label) in [("scheduled", "20200101T000000Z-a"), ("manual", "20200101T000000Z-a"), ("backup", "r1")] {
      add(scene, purpose, label)
    }
    let text = #"""
      {"schema":1,"ping":null,"repositories":{},"plans":{"stack-snapshots":{"design":"stack-snapshots","tier":2,
      "unit":"bootstead-backup-stack-snapshots.service","stacks":["photos"],"repository":null,
      "settings":{"retention":{"last":1,"daily":0,"weekly":0,"monthly":0,"yearly":0},"stackRetention":{}}}}}
      """#
    try scene.write(text, to: "backup.json")
    let configuration = try BackupConfiguration.read(scene.node.file("backup.json"))
    let results = try await scene.engine.run(plan: "stack-snapshots", configuration: configuration)
    #expect(results.map(\.outcome) == [.succeeded], "\(results)")
    let label = try #require(results.first?.archive)
    #expect(
      names(scene) == [
        "data/photos", "data/photos.backup.photos.r1", "data/photos.manual.photos.20200101T000000Z-a",
        "data/photos.scheduled.photos.\(label)",
      ])
    let coverage = try BackupCoverage(
      set: .sample(scene.stacks), configuration: configuration, folders: scene.node.folders)
    #expect(coverage.rows.first?.newest["2"] != nil)
    #expect(coverage.rows.first?.gaps == ["it has snapshots alone, which are lost with their disk"])
    #expect(try PoolHistory.read(scene.node.folders).samples.map(\.pool) == ["data/pool"])
  }

  @Test("A trial says what it would drop, and drops nothing")
  func trial() async throws {
    let scene = try BackupScene()
    add(scene, "scheduled", "20200101T000000Z-a")
    add(scene, "scheduled", "20200102T000000Z-b")
    let old = try await engine(scene).prune("photos", retention: Retention(last: 1), isTrial: true)
    #expect(old.map(\.label) == ["20200101T000000Z-a"])
    #expect(names(scene).count == 3)
  }

  /// The stack's database on a volume of its own.
  private func split(_ scene: BackupScene) {
    let folder = scene.node.file("srv/photos/database")
    scene.node.state.withLock { $0.volumes["data/rows"] = SimulatedNode.Volume(folder: folder, mountPoint: folder) }
  }

  @Test("Of several volumes all get a snapshot or none; what can not be taken back is on record, and taken back later")
  func allOrNone() async throws {
    let scene = try BackupScene()
    split(scene)
    scene.node.state.withLock { $0.failing["--name rows.manual"] = "no space" }
    let refused = await #expect(throws: NodeWorkError.self) { try await engine(scene).create("photos", label: "one") }
    #expect(refused?.problem.contains("no space") == true)
    #expect(names(scene) == ["data/photos", "data/rows"])

    scene.node.state.withLock { $0.failing["lvremove"] = "in use" }
    let stuck = await #expect(throws: NodeWorkError.self) { try await engine(scene).create("photos", label: "one") }
    #expect(stuck?.kind == .unfinished)
    #expect(names(scene).count == 3)
    scene.locks.releaseAll()
    scene.node.state.withLock { $0.failing = [:] }
    try await scene.engine.recover(nil)
    #expect(names(scene) == ["data/photos", "data/rows"])
  }

  @Test("One that is killed at any of its steps leaves no snapshot after the next start", arguments: [true, false])
  func killed(isBefore: Bool) async throws {
    var steps = 0
    for step in 0..<40 {
      let scene = try BackupScene()
      split(scene)
      let engine = engine(scene)
      let wasKilled = await dies(scene, isBefore ? .before(step) : .after(step)) {
        _ = try await engine.create("photos", label: "one")
      }
      guard wasKilled else { break }
      steps += 1
      // All were made in the moment before the last one is said to be.
      try await scene.engine.recover(nil)
      scene.locks.releaseAll()
      #expect(names(scene) == ["data/photos", "data/rows"], "killed at \(step)")
    }
    #expect(steps > 3)
  }

  @Test("A rollback that is killed at any of its steps goes on at the next start", arguments: [true, false])
  func killedRollback(isBefore: Bool) async throws {
    var steps = 0
    for step in 0..<80 {
      let scene = try BackupScene()
      split(scene)
      let engine = engine(scene)
      _ = try await engine.create("photos", label: "one")
      scene.locks.releaseAll()
      try scene.write("spoiled", to: "srv/photos/library/one.jpg")
      try scene.write("spoiled", to: "srv/photos/database/table")
      let wasKilled = await dies(scene, isBefore ? .before(step) : .after(step)) {
        _ = try await engine.rollBack("photos", label: "one")
      }
      let wasBegun = FileManager.default.fileExists(atPath: scene.node.file("state/backup/photos/snapshot.json"))
      try await scene.engine.recover(nil)
      scene.locks.releaseAll()
      if wasBegun || !wasKilled {
        #expect(scene.text("srv/photos/library/one.jpg") == "picture of photos", "killed at \(step)")
        #expect(scene.text("srv/photos/database/table") == "rows", "killed at \(step)")
      } else {
        #expect(scene.text("srv/photos/library/one.jpg") == "spoiled")
      }
      #expect(scene.node.state.withLock { $0.running["photos"] } == ["server", "database"], "killed at \(step)")
      #expect(names(scene).filter { $0.contains("rollback") } == [])
      guard wasKilled else { break }
      steps += 1
    }
    #expect(steps > 10)
  }

  @Test(
    "A rollback that fails before anything went back leaves the stack running as it was, and is not carried out later",
    arguments: [
      " stop database", "--permission rw --name photos.rollback", "lvchange --activate n", "lvconvert",
    ])
  func failedRollback(command: String) async throws {
    let scene = try BackupScene()
    _ = try await engine(scene).create("photos", label: "one")
    let before = names(scene)
    try scene.write("written since", to: "srv/photos/library/one.jpg")
    scene.node.state.withLock { $0.failing = [command: "device is busy"] }
    let error = await #expect(throws: NodeWorkError.self) {
      try await engine(scene).rollBack("photos", label: "one")
    }
    #expect(error?.problem.contains("photos did not go back to “one”, and is as it was") == true, "\(error as Any)")
    scene.node.state.withLock { $0.failing = [:] }
    try await scene.engine.recover(nil)
    let outcomes = try await stacks(scene).apply(.sample(directory: scene.node.file("stacks"), scene.stacks))
    #expect(outcomes.map(\.action) == [.started])
    _ = try await engine(scene).create("photos", label: "two")
    #expect(scene.text("srv/photos/library/one.jpg") == "written since")
    #expect(scene.node.state.withLock { $0.running["photos"] } == ["server", "database"])
    #expect(names(scene) == before + ["data/photos.manual.photos.two"])
    _ = try await engine(scene).rollBack("photos", label: "one")
    #expect(scene.text("srv/photos/library/one.jpg") == "picture of photos")
  }

  @Test(
    "A rollback that fails half way leaves the stack stopped until somebody starts it or rolls back again",
    arguments: ["--permission rw --name rows.rollback", "mount -t ext4 /dev/data/photos"], [true, false])
  func haltedRollback(command: String, startsAsItIs: Bool) async throws {
    let scene = try BackupScene()
    split(scene)
    let set = StackSet.sample(directory: scene.node.file("stacks"), scene.stacks)
    _ = try await stacks(scene).apply(set)
    _ = try await engine(scene).create("photos", label: "one")
    try scene.write("written since", to: "srv/photos/library/one.jpg")
    scene.node.state.withLock { $0.failing = [command: "device is busy"] }
    let error = await #expect(throws: NodeWorkError.self) {
      try await engine(scene).rollBack("photos", label: "one")
    }
    #expect(error?.problem.contains("failed half way") == true, "\(error as Any)")
    scene.node.state.withLock { $0.failing = [:] }
    // Neither a start of the machine, nor a plan's snapshot, nor a backup goes on with it or starts the stack.
    try await scene.engine.recover(nil)
    _ = try await engine(scene).createScheduled("photos", label: "20260101T000000Z-a", retention: Retention(last: 1))
    #expect(try await stacks(scene).apply(set).map(\.action) == [.skipped])
    #expect(scene.node.state.withLock { $0.running["photos"] } == [])
    if startsAsItIs {
      #expect(try await stacks(scene).act(.start, on: "photos").map(\.action) == [.started])
    } else {
      _ = try await engine(scene).rollBack("photos", label: "one")
      #expect(scene.text("srv/photos/library/one.jpg") == "picture of photos")
      // Its services did not run when it began.
      #expect(scene.node.state.withLock { $0.running["photos"] } == [])
    }
    #expect(try await stacks(scene).apply(set).map(\.action) == [startsAsItIs ? .unchanged : .started])
    #expect(scene.node.state.withLock { $0.running["photos"] } == ["server", "database"])
  }

  private func stacks(_ scene: BackupScene) -> StackEngine {
    StackEngine(folders: scene.node.folders, runner: scene.node, patience: .zero, say: { _ in })
  }

  private func dies(
    _ scene: BackupScene, _ death: SimulatedNode.Death, _ work: @escaping @Sendable () async throws -> Void
  ) async -> Bool {
    let (stream, continuation) = AsyncStream.makeStream(of: Bool.self)
    scene.node.die(death) { continuation.yield(true) }
    Task {
      _ = try? await work()
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
}
