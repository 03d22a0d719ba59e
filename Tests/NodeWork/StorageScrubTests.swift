import NodeWork
import StackSet
import Synchronization
import Testing

@Suite("Looking for damage")
struct StorageScrubTests {
  private func zpool(_ scan: String) -> [String: String] {
    [
      "zpool list": "tank\t1000\t20\tONLINE\n",
      "zpool status": "  pool: tank\n  scan: \(scan)\nerrors: No known data errors\n",
    ]
  }

  @Test("ZFS is scrubbed once; on LVM file systems are checked over a snapshot that goes again", arguments: [0, 4])
  func scrub(code: Int32) async throws {
    let scene = try BackupScene()
    let runner = CheckedNode(node: scene.node, code: code)
    let snapshots = NodeSnapshots(providers: [ThinSnapshots(runner: runner)], runner: runner)
    let engine = SnapshotEngine(
      folders: scene.node.folders, set: .sample(scene.stacks), snapshots: snapshots, runner: runner, say: { _ in })
    let findings = try await StorageScrub(snapshots: snapshots, engine: engine, runner: runner).scrub("data/pool")
    #expect(findings.map(\.isDamaged) == [code == 4])
    #expect(findings.first?.text.contains(code == 4 ? "is damaged" : "is whole") == true)
    #expect(scene.node.state.withLock { $0.volumes.keys.sorted() } == ["data/photos"])

    let tank = RecordedRunner(zpool("none requested"))
    let pools = NodeSnapshots(providers: [ZFSSnapshots(runner: tank)], runner: tank)
    let scrub = StorageScrub(snapshots: pools, engine: engine, runner: tank)
    _ = try await scrub.scrub(nil)
    #expect(tank.commands.last == "zpool scrub tank")
    let busy = RecordedRunner(zpool("scrub in progress since Sun"))
    _ = try await StorageScrub(
      snapshots: NodeSnapshots(providers: [ZFSSnapshots(runner: busy)], runner: busy), engine: engine, runner: busy
    ).scrub("tank")
    #expect(!busy.commands.contains { $0.hasPrefix("zpool scrub") })
    let unknown = await #expect(throws: NodeWorkError.self) { try await scrub.scrub("none") }
    #expect(unknown?.kind == .unknownStack)
  }

  @Test("A stack that something else works on is said to be unchecked, and the others are looked at")
  func locked() async throws {
    let scene = try BackupScene(stacks: ["photos", "wiki"])
    let runner = CheckedNode(node: scene.node, code: 0)
    let snapshots = NodeSnapshots(providers: [ThinSnapshots(runner: runner)], runner: runner)
    let engine = SnapshotEngine(
      folders: scene.node.folders, set: .sample(scene.stacks), snapshots: snapshots, runner: runner, say: { _ in })
    try scene.write("", to: "state/backup/photos/lock")
    let held = try FileLock.acquire(scene.node.file("state/backup/photos/lock"), holder: "photos")
    let findings = try await StorageScrub(snapshots: snapshots, engine: engine, runner: runner).scrub(nil)
    held.release()
    #expect(findings.map(\.isUnchecked) == [true, false], "\(findings)")
    #expect(findings.map(\.isDamaged) == [false, false])
    #expect(scene.node.state.withLock { $0.volumes.keys.sorted() } == ["data/photos", "data/wiki"])
  }
}
