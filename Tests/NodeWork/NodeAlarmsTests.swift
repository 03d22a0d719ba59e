import AgentProtocol
import Foundation
import NodeWork
import ProgramTestSupport
import StackSet
import Synchronization
import Testing

@Suite("Alarms of a node")
struct NodeAlarmsTests {
  private func alarms(
    _ scene: BackupScene, full: Double = 10, now: Date = .now, configuration: String? = nil
  ) async throws -> [NodeAlarm] {
    let set = try JSONEncoder().encode(StackSet.sample(directory: scene.node.file("stacks"), scene.stacks))
    let path = scene.node.folders.appliedStacks
    try FileManager.default.createDirectory(
      atPath: (path as NSString).deletingLastPathComponent, withIntermediateDirectories: true)
    try set.write(to: URL(fileURLWithPath: path))
    let node = PhysicalVolumes(node: scene.node)
    return await NodeAlarms(
      folders: scene.node.folders, snapshots: NodeSnapshots(providers: [ThinSnapshots(runner: node)], runner: node),
      runner: node, configuration: configuration ?? scene.node.file("backup.json"),
      capacity: { _ in FileSystemCapacity(bytes: 1 << 30, usedPercent: full) }
    ).read(now: now)
  }

  @Test("A node on which all is well has none; without a backup's configuration, there is nothing to say of backups")
  func well() async throws {
    let scene = try BackupScene(playsBorg: true)
    #expect(try await alarms(scene) == [])
    let configuration = try scene.configuration()
    #expect(try await alarms(scene).map(\.subject) == ["backup of photos: borg-per-service never"])
    #expect(try await scene.run(configuration).map(\.outcome) == [.succeeded])
    // That no restore was tried yet is a gap, and nobody is told on the first day.
    #expect(try await alarms(scene) == [])
    let later = Date.now.addingTimeInterval(BackupCoverage.restoreTestSeconds + 60)
    #expect(
      try await alarms(scene, now: later).map(\.subject) == [
        "backup of photos: borg-per-service is old", "backup of photos: no restore",
      ])
  }

  @Test("A pool that fills, its metadata, and a file system are alarms of their own, and stay the same ones")
  func storage() async throws {
    let scene = try BackupScene(playsBorg: true)
    scene.node.state.withLock { ($0.dataPercent, $0.metadataPercent) = (81, 85) }
    let first = try await alarms(scene, full: 83)
    #expect(
      first.map(\.subject) == [
        "pool data/pool: data", "pool data/pool: metadata", "file system /: data",
        "file system \(scene.node.file("srv/photos")): data",
      ])
    #expect(first[0].text.contains("81.0 %"))
    scene.node.state.withLock { $0.dataPercent = 84 }
    let second = try await alarms(scene, full: 85)
    #expect(second.map(\.subject) == first.map(\.subject))
    #expect(second[0].text.contains("84.0 %"))
    scene.node.state.withLock { ($0.dataPercent, $0.metadataPercent) = (79.9, 10) }
    #expect(try await alarms(scene) == [])
  }

  @Test("A run that failed is an alarm until the next one succeeds")
  func failedRun() async throws {
    let scene = try BackupScene(playsBorg: true)
    let configuration = try scene.configuration()
    #expect(try await scene.run(configuration).map(\.outcome) == [.succeeded])
    scene.node.state.withLock { $0.failing["borg --log-json --lock-wait 600 create"] = "the disk is on fire" }
    #expect(try await scene.run(configuration).map(\.outcome) == [.failed])
    let alarm = try await alarms(scene)
    #expect(alarm.map(\.subject) == ["backup of photos: borg-per-service failed"])
    #expect(alarm.first?.text.contains("the disk is on fire") == true)
    scene.node.state.withLock { $0.failing = [:] }
    #expect(try await scene.run(configuration).map(\.outcome) == [.succeeded])
    #expect(try await alarms(scene) == [])
  }

  @Test("A test of a restore that failed, and one that was never made in time, are alarms")
  func restores() async throws {
    let scene = try BackupScene(playsBorg: true)
    let configuration = try scene.configuration()
    #expect(try await scene.run(configuration).map(\.outcome) == [.succeeded])
    let plain = try BackupCoverage(
      set: .sample(scene.stacks), configuration: configuration, folders: scene.node.folders)
    #expect(plain.rows[0].gaps == ["no restore was ever tried"])
    #expect(plain.rows[0].findings == [])
    let late = try BackupCoverage(
      set: .sample(scene.stacks), configuration: configuration, folders: scene.node.folders,
      now: .now.addingTimeInterval(BackupCoverage.restoreTestSeconds + 60))
    #expect(late.rows[0].findings.map(\.subject).contains("backup of photos: no restore"))
    let held = try FileLock.acquire(scene.node.file("state/backup/photos/lock"), holder: "photos")
    _ = try await scene.engine.testRestores(
      of: [], scratch: scene.node.file("scratch"), configuration: configuration)
    held.release()
    #expect(try await alarms(scene).map(\.subject) == ["backup of photos: restore failed"])
  }

  @Test("What can not be looked at is an alarm, and hides no other")
  func unreadable() async throws {
    let scene = try BackupScene(playsBorg: true)
    try scene.write("{", to: "backup.json")
    scene.node.state.withLock { $0.failing["lvs"] = "no device mapper" }
    #expect(try await alarms(scene).map(\.subject) == ["storage", "backups"])
  }

  @Test("The program prints them as the agent reads them", .enabled(if: AgentProgram.isPossible))
  func program() async throws {
    let scene = try BackupScene(playsBorg: true)
    try scene.write("{", to: "backup.json")
    let ended = try await TestProgram.run(
      AgentProgram.path,
      [
        "alarms", "--json", "--state", scene.node.file("state"), "--runtime", scene.node.file("run"),
        "--configuration", scene.node.file("backup.json"),
      ])
    #expect(ended.status == 1, "\(ended.errors)")
    let alarms = try MessageCoder.decode([NodeAlarm].self, from: Array(ended.output))
    #expect(alarms.contains { $0.subject == "backups" })
  }
}
