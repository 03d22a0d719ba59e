import AgentProtocol
import DiskLayout
import Foundation
import NodeWork
import ProgramTestSupport
import StackSet
import Testing

@Suite("What is to be seen to")
struct StorageReportTests {
  private let now = Date(timeIntervalSince1970: 1_780_000_000)

  private func history(_ points: [(daysAgo: Double, percent: Double)], metadata: Double? = nil) -> PoolHistory {
    PoolHistory(
      samples: points.map {
        PoolHistory.Sample(
          time: now.addingTimeInterval(-$0.daysAgo * 86400), pool: "data/pool",
          usedBytes: $0.percent / 100 * Double(UInt64(100) << 30), metadataPercent: metadata)
      })
  }

  private func use(_ percent: Double, metadata: Double? = nil) -> PoolUse {
    PoolUse(
      name: "data/pool", provider: .thin, bytes: 100 << 30, dataPercent: percent, metadataPercent: metadata)
  }

  @Test("A pool that grows by 5 % a day from 50 % is full in ten days")
  func growing() throws {
    let forecast = PoolForecast(
      use(50), history: history([(4, 30), (3, 35), (2, 40), (1, 45), (0, 50)], metadata: 10), now: now)
    #expect(forecast.outlook == .growing)
    let days = try #require(forecast.fullAt).timeIntervalSince(now) / 86400
    #expect((9.9...10.1).contains(days))
    #expect((4.9...5.1).contains((forecast.bytesPerDay ?? 0) / Double(1 << 30)))
    #expect(forecast.text.contains("full about"))
  }

  @Test(
    "With too few samples, or over too short a time, nothing is foretold",
    arguments: [
      [], [(0.0, 50.0)], [(3.0, 10.0), (0.0, 50.0)], [(0.2, 10.0), (0.1, 20.0), (0.0, 50.0)],
      // Older than what is looked at.
      [(25.0, 10.0), (20.0, 20.0), (0.0, 50.0)],
    ])
  func unknown(points: [(Double, Double)]) {
    let forecast = PoolForecast(use(50), history: history(points), now: now)
    #expect(forecast.outlook == .unknown)
    #expect(forecast.text.contains("unknown"))
  }

  @Test("One that gets emptier, or stays as it is, is never full", arguments: [50.0, 40.0])
  func steady(last: Double) {
    let forecast = PoolForecast(use(last), history: history([(4, 50), (2, 50), (0, last)]), now: now)
    #expect(forecast.outlook == .steady)
  }

  @Test("The history is kept within bounds, and asking often adds nothing")
  func bounds() throws {
    let folder = try TemporaryDirectory()
    let folders = NodeFolders(state: folder.file("state"), runtime: folder.file("run"))
    for minute in 0..<90 {
      _ = try PoolHistory.record([use(50)], in: folders, now: now.addingTimeInterval(Double(minute) * 60))
    }
    #expect(try PoolHistory.read(folders).samples.count == 2)
    for day in 1..<100 {
      _ = try PoolHistory.record([use(50)], in: folders, now: now.addingTimeInterval(Double(day) * 86400))
    }
    #expect(try PoolHistory.read(folders).samples.count <= 31)
  }

  private let status = """
      pool: tank
     state: ONLINE
      scan: scrub repaired 0B in 00:12:01 with 0 errors on Sun May 24 16:07:49 2026
    config:

    \tNAME                                 STATE     READ WRITE CKSUM
    \ttank                                 ONLINE       0     0     0
    \t  mirror-0                           ONLINE       0     0     0
    \t    /dev/sda1                        ONLINE       0     0     0
    \t    /dev/sdb1                        ONLINE       0     0     0
    \tlogs
    \t  /dev/nvme0n1p2                     ONLINE       0     0     0

    errors: No known data errors

    """

  @Test("zpool status: parts, the last scrub, and what is damaged")
  func pool() {
    let good = ZFSPoolStatus(pool: "tank", status)
    #expect(good.parts.map(\.name) == ["mirror-0"])
    #expect(good.parts.first?.members == ["/dev/sda1", "/dev/sdb1"])
    #expect(good.scrubbed == Date(timeIntervalSince1970: 1_779_638_869))
    #expect(!good.isScrubbing)
    let single = ZFSPoolStatus(pool: "tank", status.replacingOccurrences(of: "mirror-0 ", with: "/dev/sdc "))
    #expect(single.parts.first?.name == "/dev/sdc")
    let running = ZFSPoolStatus(
      pool: "tank", status.replacingOccurrences(of: "scrub repaired", with: "scrub in progress since"))
    #expect(running.isScrubbing)
  }

  struct Disks: DiskSurvey {
    var verdict = SmartHealth.Verdict.passed

    func disks() -> [Disk] {
      [Disk(id: "ata-Example_1", node: "/dev/sda", size: 1 << 40, bus: .sata, serial: "1")]
    }

    func health(of disk: Disk) async -> SmartHealth {
      SmartHealth(verdict: verdict, reason: verdict == .failing ? "the disk says that it is failing" : nil)
    }
  }

  private func report(
    fstab: String = "", missingDisk: Bool = false, full: Double = 10, inodes: Double? = nil,
    scan: String? = nil, verdict: SmartHealth.Verdict = .passed, mountedSet: String = "yes"
  ) async throws -> NodeStorage.Report {
    let missing = missingDisk ? "missing" : ""
    let pvs =
      #"{"report":[{"pv":[{"pv_name":"/dev/sda4","vg_name":"data","pv_size":"1000","pv_free":"10","pv_uuid":"u-1","#
      + #""pv_missing":"\#(missing)"}]}]}"#
    let lvs =
      #"{"report":[{"lv":[{"vg_name":"data","lv_name":"pool","lv_path":"","lv_dm_path":"/dev/mapper/data-pool","#
      + #""segtype":"thin-pool","pool_lv":"","origin":"","lv_size":"1000","data_percent":"12.00","#
      + #""metadata_percent":"11.00","lv_tags":"","lv_time":""}]}]}"#
    let recent = "scrub repaired 0B in 00:12:01 with 0 errors on Sun May 24 16:07:49 2026"
    let runner = RecordedRunner(
      [
        "findmnt --json --output": #"{"filesystems":[{"source":"/dev/sda3","target":"/","fstype":"ext4"}]}"#,
        "findmnt --json --list --fstab": #"{"filesystems":[\#(fstab)]}"#, "pvs": pvs, "lvs": lvs,
        "zpool list": "tank\t1000000000000\t20\tONLINE\n",
        "zpool status": status.replacingOccurrences(of: recent, with: scan ?? recent),
        "zfs list -H -t filesystem": "tank/photos\t/srv/photos\ton\t\(mountedSet)\ntank\tnone\ton\tno\n",
      ], failing: ["findmnt --noheadings --output TARGET --mountpoint /srv/gone": ""])
    let storage = NodeStorage(
      set: .sample([]),
      snapshots: NodeSnapshots(
        providers: [ThinSnapshots(runner: runner), ZFSSnapshots(runner: runner)], runner: runner), runner: runner,
      survey: Disks(verdict: verdict),
      capacity: { _ in FileSystemCapacity(bytes: 1 << 30, usedPercent: full, inodesPercent: inodes) })
    return try await storage.report(now: now)
  }

  @Test("A node on which all is well has no alarm")
  func well() async throws {
    let report = try await report(
      fstab: #"{"target":"/","source":"/dev/sda3","fstype":"ext4","options":"defaults"}"#)
    #expect(report.alarms == [])
    #expect(report.disks.map(\.smart.verdict) == [.passed])
    #expect(report.physicalVolumes.map(\.freeBytes) == [10])
    #expect(report.fileSystems.map(\.mountPoint) == ["/"])
    #expect(report.oneFileSystem.answer == .notAsked)
  }

  @Test("Each thing that is wrong is one alarm that says what to do")
  func alarms() async throws {
    let gone = #"{"target":"/srv/gone","source":"UUID=1","fstype":"ext4","options":"nofail"}"#
    let byHand = #"{"target":"/srv/gone","source":"UUID=1","fstype":"ext4","options":"noauto"}"#
    #expect(try await report(fstab: gone).alarms.map { $0.prefix(24) } == ["/srv/gone is not mounted"])
    #expect(try await report(fstab: byHand).alarms == [])
    #expect(try await report(missingDisk: true).alarms.first?.contains("is missing (u-1)") == true)
    #expect(try await report(full: 80).alarms.first?.contains("full to 80.0 %") == true)
    #expect(try await report(full: 79.9).alarms == [])
    #expect(try await report(inodes: 81).alarms.first?.contains("inodes") == true)
    #expect(try await report(verdict: .failing).alarms.first?.contains("ata-Example_1 is failing") == true)
    #expect(try await report(mountedSet: "no").alarms.first?.contains("zfs mount tank/photos") == true)
    let old = "scrub repaired 0B in 00:12:01 with 0 errors on Sun Jan  4 16:07:49 2026"
    for scan in [old, "none requested"] {
      #expect(try await report(scan: scan).alarms.first?.contains("storage scrub tank") == true)
    }
  }
}
