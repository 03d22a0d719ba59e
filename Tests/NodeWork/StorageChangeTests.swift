import DiskLayout
import Foundation
import NodeWork
import ProgramTestSupport
import StackSet
import Testing

/// Command lines and recorded answers: no LVM and no ZFS on this host.
@Suite("Growing storage")
struct StorageChangeTests {
  private static func volume(
    _ name: String, type: String, bytes: UInt64, data: Double = 12, pool: String = "pool"
  ) -> String {
    let isPool = type == "thin-pool"
    return
      #"{"vg_name":"data","lv_name":"\#(name)","lv_path":"\#(isPool ? "" : "/dev/data/" + name)","#
      + #""lv_dm_path":"/dev/mapper/data-\#(name)","segtype":"\#(type)","pool_lv":"\#(isPool ? "" : pool)","origin":"","#
      + #""lv_size":"\#(bytes)","data_percent":"\#(data)","metadata_percent":"\#(isPool ? "11.00" : "")","lv_tags":"","#
      + #""lv_time":""}"#
  }

  private func answers(
    type: String = "ext4", source: String = "/dev/mapper/data-wiki", pool: Double = 12, free: UInt64 = 50 << 30,
    zpool: String = ""
  ) -> [String: String] {
    let rows = [
      Self.volume("pool", type: "thin-pool", bytes: 100 << 30, data: pool),
      Self.volume("wiki", type: "thin", bytes: 10 << 30),
    ]
    return [
      "lvs --reportformat": #"{"report":[{"lv":[\#(rows.joined(separator: ","))]}]}"#,
      "lvs --all": "  pool|thin-pool\n  [pool_tdata]|linear\n  [pool_tmeta]|linear\n  wiki|thin\n",
      "vgs": #"{"report":[{"vg":[{"vg_name":"data","vg_free":"\#(free)","vg_extent_size":"4194304"}]}]}"#,
      "pvs --reportformat":
        #"{"report":[{"pv":[{"pv_name":"/dev/sda4","vg_name":"data","pv_size":"1000","pv_free":"10","pv_uuid":"u-1","#
        + #""pv_missing":""}]}]}"#,
      "findmnt": #"{"filesystems":[{"source":"\#(source)","target":"/srv/wiki","fstype":"\#(type)"}]}"#,
      "zpool list": zpool, "zfs get": "10737418240\n",
    ]
  }

  private func extend(
    _ target: String, _ size: String, _ answers: [String: String], zfs: Bool = false
  ) async throws -> [String] {
    let folder = try TemporaryDirectory()
    let runner = RecordedRunner(answers)
    let providers: [any SnapshotProvider] =
      zfs ? [ThinSnapshots(runner: runner), ZFSSnapshots(runner: runner)] : [ThinSnapshots(runner: runner)]
    let stack = CompiledStack.sample(
      "wiki", volumes: [.sample("pages", folder.path, owner: StackOwner(user: 0, group: 0))])
    _ = try await StorageExtension(
      set: .sample([stack]), snapshots: NodeSnapshots(providers: providers, runner: runner), runner: runner
    ).extend(target, by: StorageSize(size))
    return runner.commands.filter { command in
      !["lvs", "vgs", "pvs", "findmnt", "zpool list", "zfs get"].contains { command.hasPrefix($0) }
    }
  }

  @Test("A pool grows to its size, or by so much, in whole extents")
  func pool() async throws {
    #expect(try await extend("data/pool", "120GiB", answers()) == ["lvextend --size 128849018880b data/pool"])
    #expect(try await extend("data/pool", "+1MiB", answers()) == ["lvextend --size 107378376704b data/pool"])
    #expect(try await extend("data/pool", "100GiB", answers()) == [])
  }

  @Test("A volume grows with its file system; one that has its size still gets it filled, as after a power cut")
  func volume() async throws {
    let grown = ["lvextend --size 21474836480b data/wiki", "resize2fs /dev/data/wiki"]
    #expect(try await extend("wiki/pages", "20GiB", answers()) == grown)
    #expect(
      try await extend("wiki/pages", "+10GiB", answers(type: "xfs")) == [grown[0], "xfs_growfs /srv/wiki"])
    #expect(try await extend("wiki/pages", "10GiB", answers()) == ["resize2fs /dev/data/wiki"])
    #expect(
      try await extend("wiki/pages", "20GiB", answers(type: "zfs", source: "tank/wiki")) == [
        "zfs set quota=21474836480 tank/wiki"
      ])
  }

  @Test(
    "What can not grow is refused, and nothing is done",
    arguments: [
      ("data/pool", "90GiB", "nothing is made smaller"), ("wiki/pages", "9GiB", "nothing is made smaller"),
      ("data/pool", "200GiB", "has 50 GiB left"), ("wiki/none", "20GiB", "neither a pool"),
      ("data/pool", "20", "is no size"), ("data/pool", "-1GiB", "is no size"), ("data/pool", "0GiB", "is no size"),
      ("data/pool", "9999999999TiB", "is no size"), ("tank", "20GiB", "grows by disks alone"),
    ])
  func refused(target: String, size: String, reason: String) async throws {
    let error = await #expect(throws: NodeWorkError.self) {
      try await extend(target, size, answers(zpool: "tank\t1000\t20\tONLINE\n"), zfs: true)
    }
    #expect(error.map { "\($0)".contains(reason) } == true, "\(String(describing: error))")
  }

  @Test("Volumes on plain disks and other file systems, and in a full pool, are refused")
  func refusedVolume() async throws {
    for (answers, reason) in [
      (answers(source: "/dev/sda3"), "no thin volume"), (answers(type: "btrfs"), "does not grow"),
      (answers(pool: 95), "is full"),
    ] {
      let error = await #expect(throws: NodeWorkError.self) { try await extend("wiki/pages", "20GiB", answers) }
      #expect(error?.problem.contains(reason) == true, "\(String(describing: error))")
    }
  }

  // MARK: Disks

  private func disk(
    _ name: String = "1", _ contents: DiskContents = DiskContents(), users: [String] = [], isBoot: Bool = false,
    isRemovable: Bool = false, isReadOnly: Bool = false, bytes: UInt64 = 100 << 30
  ) -> Disk {
    Disk(
      id: "ata-Example_\(name)", node: "/dev/sd\(name)", size: bytes, isRemovable: isRemovable, isReadOnly: isReadOnly,
      bus: .sata, serial: "S\(name)", contents: contents, isBootMedium: isBoot, users: users)
  }

  private func member(_ group: String?) -> DiskContents {
    DiskContents(signatures: [
      Signature(type: "LVM2_member", uuid: "u", volumeGroup: group.map { FoundVolumeGroup(name: $0, uuid: "g") })
    ])
  }

  private func addition(
    _ answers: [String: String], failing: [String: String] = [:], folder: TemporaryDirectory, isZFS: Bool = false
  ) -> (DiskAddition, RecordedRunner) {
    let runner = RecordedRunner(answers, failing: failing)
    let provider: any SnapshotProvider = isZFS ? ZFSSnapshots(runner: runner) : ThinSnapshots(runner: runner)
    let addition = DiskAddition(
      folders: NodeFolders(state: folder.file("state"), runtime: folder.file("run")),
      snapshots: NodeSnapshots(providers: [provider], runner: runner), runner: runner)
    return (addition, runner)
  }

  private func changes(_ runner: RecordedRunner) -> [String] {
    runner.commands.filter { command in
      ["pvcreate", "vgextend", "lvextend", "zpool add"].contains { command.hasPrefix($0) }
    }
  }

  @Test("An empty disk is shown with name, serial number and what is on it, and added when that is said")
  func add() async throws {
    let folder = try TemporaryDirectory()
    let (addition, runner) = addition(
      answers(), failing: ["pvs --noheadings": "Failed to find physical volume"], folder: folder)
    let plan = try await addition.plan(["S1"], pool: nil, found: [disk(), disk("2")])
    #expect(plan.lines.first?.contains("/dev/disk/by-id/ata-Example_1") == true)
    #expect(plan.lines.first?.contains("serial S1; on it: nothing") == true)
    #expect(changes(runner) == [])
    _ = try await addition.carryOut(plan)
    #expect(
      changes(runner) == [
        "pvcreate /dev/disk/by-id/ata-Example_1", "vgextend data /dev/disk/by-id/ata-Example_1",
        // 100 GiB, and 50 that are free but for two.
        "lvextend --size 158913789952b data/pool",
      ])
  }

  @Test("What was cut off goes on, with the disks that it was begun with and no others")
  func resume() async throws {
    let folder = try TemporaryDirectory()
    let (first, cut) = addition(
      answers(), failing: ["pvs --noheadings": "Failed to find", "vgextend": "the power went"], folder: folder)
    let plan = try await first.plan(["S1"], pool: nil, found: [disk()])
    await #expect(throws: NodeWorkError.self) { try await first.carryOut(plan) }
    #expect(changes(cut).count == 2)

    let (second, runner) = addition(answers(), folder: folder)
    let found = [disk("1", member(nil)), disk("2")]
    let other = await #expect(throws: NodeWorkError.self) {
      try await second.plan(["S2"], pool: nil, found: found)
    }
    #expect(other?.kind == .unfinished)
    _ = try await second.carryOut(try await second.plan(["S1"], pool: nil, found: found))
    #expect(changes(runner).map { $0.prefix(8) } == ["vgextend", "lvextend"])

    // And once more, when all of it is done.
    let (third, again) = addition(answers(), folder: folder)
    let done = try await third.plan(["S1"], pool: nil, found: [disk("1", member("data"))])
    #expect(done.steps == [])
    #expect(try await third.carryOut(done) == [])
    #expect(changes(again) == [])
  }

  @Test("A disk that has anything on it, is in use, or may go away, is refused")
  func refusedDisk() async throws {
    let folder = try TemporaryDirectory()
    let partition = FoundPartition(number: 1, start: 1 << 20, size: 1 << 30, type: "0x83")
    let table = DiskContents(table: PartitionTable(kind: "gpt"), partitions: [partition])
    for (disk, reason) in [
      (disk("1", member("other")), "member of the LVM volume group “other”"), (disk("1", member(nil)), "in no group"),
      (disk("1", table), "partition 1"),
      (disk("1", DiskContents(unreadable: "Input/output error")), "could not be read"),
      (disk(users: ["mount at /srv"]), "in use: mount at /srv"), (disk(isBoot: true), "runs from it"),
      (disk(isRemovable: true), "pulled out"), (disk(isReadOnly: true), "read-only"),
      (disk(bytes: 1 << 30), "smaller than"),
    ] {
      let (addition, runner) = addition(answers(), folder: folder)
      let error = await #expect(throws: NodeWorkError.self) {
        try await addition.plan(["S1"], pool: nil, found: [disk])
      }
      #expect(error?.problem.contains(reason) == true, "\(String(describing: error))")
      #expect(changes(runner) == [])
    }
    for (names, reason) in [(["S9"], "there is no disk"), (["S1", "/dev/sd1"], "named twice")] {
      let (addition, _) = addition(answers(), folder: folder)
      let error = await #expect(throws: NodeWorkError.self) {
        try await addition.plan(names, pool: nil, found: [disk()])
      }
      #expect(error?.problem.contains(reason) == true)
    }
    let (addition, _) = addition(answers(), folder: folder)
    var nameless = disk()
    nameless.id = "node:sd1"
    let error = await #expect(throws: NodeWorkError.self) {
      try await addition.plan(["S1"], pool: nil, found: [nameless])
    }
    #expect(error?.problem.contains("no name that stays") == true)
  }

  @Test(
    "A bare disk is not put beside a mirror, an encrypted one, or one that is missing",
    arguments: [
      ("pvs --reportformat", "/dev/sda4", "/dev/md127", "no mirror"),
      ("pvs --reportformat", "/dev/sda4", "/dev/mapper/crypt", "encrypted"),
      ("pvs --reportformat", #""pv_missing":"""#, #""pv_missing":"missing""#, "is missing"),
      ("lvs --all", "[pool_tdata]|linear", "[pool_tdata]|raid1", "is a mirror of LVM"),
    ])
  func mirrorSafety(command: String, from: String, to: String, reason: String) async throws {
    let folder = try TemporaryDirectory()
    var answers = answers()
    answers[command] = answers[command]?.replacingOccurrences(of: from, with: to)
    let (addition, _) = addition(answers, folder: folder)
    let error = await #expect(throws: NodeWorkError.self) {
      try await addition.plan(["S1"], pool: nil, found: [disk()])
    }
    #expect(error?.problem.contains(reason) == true, "\(String(describing: error))")
  }

  private func zpool(_ part: String = "mirror-0") -> [String: String] {
    let members = part.contains("-") ? "\t    /dev/sdx1  ONLINE 0 0 0\n\t    /dev/sdy1  ONLINE 0 0 0\n" : ""
    let table = "\tNAME STATE READ WRITE CKSUM\n\ttank ONLINE 0 0 0\n\t  \(part) ONLINE 0 0 0\n\(members)"
    return [
      "zpool list": "tank\t1000\t20\tONLINE\n",
      "zpool status": "  pool: tank\n state: ONLINE\nconfig:\n\n\(table)\nerrors: No known data errors\n",
    ]
  }

  @Test("ZFS: mirrors get one more mirror; whatever would make the pool less safe is refused")
  func zfs() async throws {
    let folder = try TemporaryDirectory()
    let (addition, runner) = addition(zpool(), folder: folder, isZFS: true)
    let plan = try await addition.plan(["S1", "S2"], pool: "tank", found: [disk(), disk("2")])
    _ = try await addition.carryOut(plan)
    #expect(
      changes(runner) == [
        "zpool add tank mirror /dev/disk/by-id/ata-Example_1 /dev/disk/by-id/ata-Example_2"
      ])
    for (part, names, reason) in [
      ("mirror-0", ["S1"], "have 2 disks, and 1 were named"), ("raidz1-0", ["S1", "S2"], "is no pool of mirrors"),
      ("/dev/sdx1", ["S1"], "is no pool of mirrors"),
    ] {
      let (other, _) = self.addition(zpool(part), folder: folder, isZFS: true)
      let error = await #expect(throws: NodeWorkError.self) {
        try await other.plan(names, pool: nil, found: [disk(), disk("2")])
      }
      #expect(error?.problem.contains(reason) == true, "\(String(describing: error))")
    }
    let (again, _) = self.addition(zpool(), folder: folder, isZFS: true)
    let member = DiskContents(signatures: [Signature(type: "zfs_member", label: "tank")])
    #expect(try await again.plan(["Sx"], pool: nil, found: [disk("x", member)]).steps == [])
  }
}
