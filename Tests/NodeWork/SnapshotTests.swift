import Foundation
import NodeWork
import StackSet
import Testing

/// Command lines and recorded answers: neither LVM nor ZFS runs on this host. The lab has LVM.
@Suite("Snapshots")
struct SnapshotTests {
  private let owner = StackOwner(user: 0, group: 0)

  /// `lvs` 2.03 of a node with one pool, a stack's volume and two snapshots of it.
  private let lvs = #"""
      {
          "report": [
              {
                  "lv": [
                      {"vg_name":"data", "lv_name":"appdata", "lv_path":"/dev/data/appdata", "lv_dm_path":"/dev/mapper/data-appdata", "segtype":"thin", "pool_lv":"pool", "origin":"", "lv_size":"1073741824", "data_percent":"12.50", "metadata_percent":"", "lv_tags":"bootstead.formatted", "lv_time":"2026-01-01 10:00:00 +0000"},
                      {"vg_name":"data", "lv_name":"appdata.backup.wiki.r1", "lv_path":"/dev/data/appdata.backup.wiki.r1", "lv_dm_path":"/dev/mapper/data-appdata.backup.wiki.r1", "segtype":"thin", "pool_lv":"pool", "origin":"appdata", "lv_size":"1073741824", "data_percent":"12.50", "metadata_percent":"", "lv_tags":"bootstead.fs.ext4,bootstead.label.r1,bootstead.origin.appdata,bootstead.purpose.backup,bootstead.snapshot,bootstead.stack.wiki", "lv_time":"2026-01-02 03:04:05 +0000"},
                      {"vg_name":"data", "lv_name":"appdata.manual.wiki.before", "lv_path":"/dev/data/appdata.manual.wiki.before", "lv_dm_path":"/dev/mapper/data-appdata.manual.wiki.before", "segtype":"thin", "pool_lv":"pool", "origin":"appdata", "lv_size":"1073741824", "data_percent":"12.50", "metadata_percent":"", "lv_tags":"bootstead.fs.ext4,bootstead.label.before,bootstead.origin.appdata,bootstead.purpose.manual,bootstead.snapshot,bootstead.stack.wiki", "lv_time":"2026-01-03 03:04:05 +0000"},
                      {"vg_name":"data", "lv_name":"pool", "lv_path":"", "lv_dm_path":"/dev/mapper/data-pool", "segtype":"thin-pool", "pool_lv":"", "origin":"", "lv_size":"10737418240", "data_percent":"83.21", "metadata_percent":"11.00", "lv_tags":"", "lv_time":"2026-01-01 10:00:00 +0000"}
                  ]
              }
          ]
      }
    """#

  private func stack(_ name: String, path: String = "/srv/appdata/wiki/pages") -> CompiledStack {
    CompiledStack.sample(
      name, volumes: [.sample("pages", path, owner: owner)],
      backup: StackBackup(quiesce: .stop))
  }

  private func thin(mounted: String = "/dev/mapper/data-appdata", type: String = "ext4") -> RecordedRunner {
    RecordedRunner([
      "lvs": lvs,
      "findmnt": #"{"filesystems":[{"source":"\#(mounted)","target":"/srv/appdata","fstype":"\#(type)"}]}"#,
    ])
  }

  @Test("LVM: a snapshot is tagged with what it is of, and readable at once")
  func createThin() async throws {
    let runner = thin()
    let snapshots = NodeSnapshots(providers: [ThinSnapshots(runner: runner)], runner: runner)
    let made = try await snapshots.create(stack: stack("wiki"), label: "upgrade")
    #expect(made.map(\.name) == ["data/appdata.manual.wiki.upgrade"])
    let expected = """
      lvcreate --yes --snapshot --setactivationskip n --permission r --addtag bootstead.snapshot \
      --addtag bootstead.purpose.manual --addtag bootstead.stack.wiki --addtag bootstead.label.upgrade \
      --addtag bootstead.fs.ext4 --addtag bootstead.origin.appdata --name appdata.manual.wiki.upgrade data/appdata
      """
    #expect(runner.commands.last == expected)
  }

  @Test("LVM: what Bootstead made is listed, and nothing else")
  func listThin() async throws {
    let runner = thin()
    let found = try await ThinSnapshots(runner: runner).list()
    #expect(found.map(\.label) == ["r1", "before"])
    #expect(found.map(\.purpose) == [.backup, .manual])
    #expect(found.map(\.origin) == ["data/appdata", "data/appdata"])
  }

  @Test("LVM: a rollback merges a copy, so that the snapshot stays; services stop for it and start again")
  func rollBackThin() async throws {
    let runner = RecordedRunner([
      "lvs": lvs,
      "docker compose --project-name wiki --project-directory /srv/stacks/wiki --file "
        + "/srv/stacks/wiki/compose.yaml ps --services --status running": "web\n",
      "findmnt": #"{"filesystems":[{"source":"/dev/mapper/data-appdata","target":"/srv/appdata","fstype":"ext4"}]}"#,
    ])
    let snapshots = NodeSnapshots(providers: [ThinSnapshots(runner: runner)], runner: runner)
    let wiki = stack("wiki")
    let project = try ComposeProject(
      stack: wiki, set: .sample([wiki]), folders: NodeFolders(), runner: runner)
    _ = try await snapshots.rollBack(stack: wiki, label: "before", project: project, others: [wiki])
    let acts = runner.commands.filter { !$0.hasPrefix("lvs") && !$0.hasPrefix("findmnt") && !$0.contains(" ps ") }
    let compose = "docker compose --project-name wiki --project-directory /srv/stacks/wiki --file "
    let short = acts.map { $0.replacingOccurrences(of: compose + "/srv/stacks/wiki/compose.yaml", with: "compose") }
    let expected: [String] = [
      "compose stop web",
      "lvcreate --yes --snapshot --permission rw --name appdata.rollback data/appdata.manual.wiki.before",
      "lvchange --activate n data/appdata",
      "lvconvert --yes --mergesnapshot data/appdata.rollback",
      "lvchange --activate y data/appdata",
      "mount -t ext4 /dev/data/appdata /srv/appdata",
    ]
    #expect(short == expected)
  }

  @Test("A rollback that would take another stack's data back is refused before anything stops")
  func rollBackShared() async throws {
    let runner = thin()
    let snapshots = NodeSnapshots(providers: [ThinSnapshots(runner: runner)], runner: runner)
    let (wiki, mail) = (stack("wiki"), stack("mail", path: "/srv/appdata/mail/box"))
    let project = try ComposeProject(
      stack: wiki, set: .sample([wiki, mail]), folders: NodeFolders(), runner: runner)
    let error = await #expect(throws: NodeWorkError.self) {
      try await snapshots.rollBack(stack: wiki, label: "before", project: project, others: [wiki, mail])
    }
    #expect(error?.problem.contains("also holds data of mail") == true)
    #expect(!runner.commands.contains { $0.contains(" stop") })
  }

  @Test("LVM: only what was made as a snapshot is removed, whatever a journal names")
  func destroyThin() async throws {
    let runner = thin()
    let thin = ThinSnapshots(runner: runner)
    func snapshot(_ name: String) -> Snapshot {
      Snapshot(
        provider: .thin, origin: "data/appdata", name: name, purpose: .backup, stack: "wiki", label: "r1",
        fileSystem: "ext4")
    }
    await #expect(throws: NodeWorkError.self) { try await thin.destroy(snapshot("data/appdata")) }
    try await thin.destroy(snapshot("data/gone"))
    #expect(!runner.commands.contains { $0.hasPrefix("lvremove") })
    try await thin.destroy(snapshot("data/appdata.backup.wiki.r1"))
    #expect(runner.commands.last == "lvremove --yes data/appdata.backup.wiki.r1")
  }

  @Test(
    "What has no snapshots, or none that could be mounted, is refused with the folder's name",
    arguments: [("/dev/vda1", "ext4"), ("nas:/export", "nfs4"), ("/dev/mapper/data-appdata", "btrfs")])
  func noSnapshots(source: String, type: String) async throws {
    let runner = thin(mounted: source, type: type)
    let snapshots = NodeSnapshots(providers: [ThinSnapshots(runner: runner)], runner: runner)
    let error = await #expect(throws: NodeWorkError.self) {
      try await snapshots.create(stack: stack("wiki"), label: "a")
    }
    #expect(error?.kind == .noSnapshots)
  }

  @Test(
    "Names that LVM or ZFS would take for something else are refused", arguments: ["", "a b", "a/b", "a@b", "../x"])
  func labels(label: String) async throws {
    let runner = thin()
    let snapshots = NodeSnapshots(providers: [ThinSnapshots(runner: runner)], runner: runner)
    await #expect(throws: NodeWorkError.self) { try await snapshots.create(stack: stack("wiki"), label: label) }
    #expect(runner.commands == [])
  }

  // MARK: ZFS

  private let zfsList = """
    tank/wiki@backup.wiki.r1\t8192\t1767323045\tbackup\twiki\tr1
    tank/wiki@autosnap_2026-01-01\t0\t1767223045\t-\t-\t-
    tank/wiki@manual.wiki.before\t4096\t1767423045\tmanual\twiki\tbefore

    """

  @Test("ZFS: the same with data sets; snapshots of others are not Bootstead's")
  func zfs() async throws {
    let runner = RecordedRunner([
      "zfs list": zfsList, "zpool list": "tank\t1000000000000\t81\tDEGRADED\n",
      "findmnt": #"{"filesystems":[{"source":"tank/wiki","target":"/srv/appdata/wiki","fstype":"zfs"}]}"#,
    ])
    let snapshots = NodeSnapshots(providers: [ZFSSnapshots(runner: runner)], runner: runner)
    #expect(try await snapshots.list().map(\.label) == ["r1", "before"])
    _ = try await snapshots.create(stack: stack("wiki"), label: "upgrade")
    let expected = """
      zfs snapshot -o bootstead:purpose=manual -o bootstead:stack=wiki -o bootstead:label=upgrade \
      tank/wiki@manual.wiki.upgrade
      """
    #expect(runner.commands.last == expected)
    _ = try await snapshots.destroy(stack: "wiki", label: "before")
    #expect(runner.commands.last == "zfs destroy tank/wiki@manual.wiki.before")
    let alarms = try await snapshots.pools().flatMap(\.alarms)
    #expect(alarms.count == 2)
    #expect(alarms.last?.contains("DEGRADED") == true)
  }

  @Test(
    "ZFS: a rollback over newer snapshots or bookmarks is refused with their names, before anything stops",
    arguments: [
      ("tank/wiki@autosnap_2026\t90\n", nil), ("tank/wiki@autosnap_2026\t110\n", "tank/wiki@autosnap_2026"),
      ("tank/wiki#sent\t101\ntank/wiki@late\t120\n", "tank/wiki#sent, tank/wiki@late"),
    ])
  func rollBackOverNewer(others: String, named: String?) async throws {
    let compose = "docker compose --project-name wiki --project-directory /srv/stacks/wiki --file "
    let runner = RecordedRunner([
      "zfs list": zfsList, "zfs list -H -p -t snapshot,bookmark": "tank/wiki@manual.wiki.before\t100\n" + others,
      compose + "/srv/stacks/wiki/compose.yaml ps --services --status running": "web\n",
      "findmnt": #"{"filesystems":[{"source":"tank/wiki","target":"/srv/appdata/wiki","fstype":"zfs"}]}"#,
    ])
    let snapshots = NodeSnapshots(providers: [ZFSSnapshots(runner: runner)], runner: runner)
    let wiki = stack("wiki")
    let project = try ComposeProject(stack: wiki, set: .sample([wiki]), folders: NodeFolders(), runner: runner)
    var problem: String?
    do {
      _ = try await snapshots.rollBack(stack: wiki, label: "before", project: project, others: [wiki])
    } catch {
      problem = error.problem
    }
    #expect(problem?.split(separator: ": ").last.map(String.init) == named)
    #expect(runner.commands.contains { $0.hasSuffix(" stop web") } == (named == nil))
    #expect(runner.commands.contains("zfs rollback tank/wiki@manual.wiki.before") == (named == nil))
  }

  @Test("ZFS: a data set is never destroyed, whatever a journal names")
  func destroyDataSet() async throws {
    let runner = RecordedRunner(["zfs list": zfsList])
    let snapshot = Snapshot(
      provider: .zfs, origin: "tank/wiki", name: "tank/wiki", purpose: .backup, stack: "wiki", label: "r1",
      fileSystem: "zfs")
    await #expect(throws: NodeWorkError.self) { try await ZFSSnapshots(runner: runner).destroy(snapshot) }
    #expect(!runner.commands.contains { $0.hasPrefix("zfs destroy") })
  }

  @Test(
    "Pools alarm from 80 %, of data or of metadata",
    arguments: [(79.9, 10.0, 0), (80.0, 10.0, 1), (10.0, 80.0, 1), (95.0, 95.0, 2)])
  func alarms(data: Double, metadata: Double, count: Int) {
    let pool = PoolUse(
      name: "data/pool", provider: .thin, bytes: 1 << 40, dataPercent: data, metadataPercent: metadata)
    #expect(pool.alarms.count == count)
  }
}
