import Foundation
import NodeWork
import ProgramTestSupport
import StackSet
import Testing

@Suite("Storage of a node")
struct StorageTests {
  private func volume(_ name: String, class: PlacementClass, _ path: String, user: Int = Int(getuid())) -> StackVolume {
    .sample(name, class: `class`, path, owner: StackOwner(user: user, group: Int(getgid())))
  }

  private func storage(_ volumes: [StackVolume], type: String = "ext4") -> NodeStorage {
    let stack = CompiledStack.sample("wiki", volumes: volumes)
    let runner = RecordedRunner([
      "findmnt": #"{"filesystems":[{"source":"/dev/mapper/data-appdata","target":"/srv","fstype":"\#(type)"}]}"#
    ])
    return NodeStorage(
      set: .sample([stack]), snapshots: NodeSnapshots(providers: [], runner: runner),
      runner: runner, capacity: { _ in nil })
  }

  @Test("Missing folders are named, made once, and then right")
  func apply() async throws {
    let folder = try TemporaryDirectory()
    let storage = storage([volume("pages", class: .appdata, folder.file("appdata/wiki/pages"))])
    #expect(try await storage.report().alarms.count == 1)
    #expect(try await storage.apply(repairsOwners: false).count == 1)
    #expect(try await storage.report().alarms == [])
    #expect(try await storage.apply(repairsOwners: true) == [])
  }

  @Test(
    "An owner that differs is said, and changed only when that is asked for",
    .enabled(if: getuid() == 0, "root gives files away"))
  func owners() async throws {
    let folder = try TemporaryDirectory()
    try FileManager.default.createDirectory(atPath: folder.file("pages"), withIntermediateDirectories: true)
    let storage = storage([volume("pages", class: .appdata, folder.file("pages"), user: 2000)])
    #expect(try await storage.apply(repairsOwners: false) == [])
    #expect(try await storage.report().alarms.first?.contains("belongs to 0:0") == true)
    #expect(try await storage.apply(repairsOwners: true).count == 1)
    #expect(try await storage.report().alarms == [])
  }

  @Test("Downloads on another file system than media, and databases on NFS, are alarms")
  func placement() async throws {
    let folder = try TemporaryDirectory()
    try FileManager.default.createDirectory(atPath: folder.file("media"), withIntermediateDirectories: true)
    // /dev is a file system of its own on every Linux.
    let owner = try FileManager.default.attributesOfItem(atPath: "/dev")[.ownerAccountID] as? Int ?? 0
    let split = storage([
      volume("media", class: .media, folder.file("media")), volume("dl", class: .downloads, "/dev", user: owner),
    ])
    #expect(try await split.report().alarms.contains { $0.contains("different file systems") })
    let together = storage([
      volume("media", class: .media, folder.file("media")), volume("dl", class: .downloads, folder.file("media")),
    ])
    #expect(try await together.report().alarms == [])
    let database = storage([volume("rows", class: .db, folder.file("media"))], type: "nfs4")
    #expect(try await database.report().alarms.contains { $0.contains("database on NFS") })
  }
}

/// Command lines and recorded answers: no LVM and no ZFS on this host.
@Suite("Stacks' own file systems")
struct StackDiskTests {
  private let pool =
    #"{"vg_name":"data","lv_name":"pool","lv_path":"","lv_dm_path":"/dev/mapper/data-pool","segtype":"thin-pool","pool_lv":"","origin":"","lv_size":"99999999999","data_percent":"12.00","metadata_percent":"11.00","lv_tags":"","lv_time":""}"#
  private let appdata =
    #"{"vg_name":"data","lv_name":"appdata","lv_path":"/dev/data/appdata","lv_dm_path":"/dev/mapper/data-appdata","segtype":"thin","pool_lv":"pool","origin":"","lv_size":"1073741824","data_percent":"1.00","metadata_percent":"","lv_tags":"bootstead.formatted","lv_time":""}"#

  private func volume(_ name: String, tags: String, bytes: UInt64 = 1 << 30) -> String {
    #"{"vg_name":"data","lv_name":"\#(name)","lv_path":"/dev/data/\#(name)","lv_dm_path":"/dev/mapper/data-\#(name)","segtype":"thin","pool_lv":"pool","origin":"","lv_size":"\#(bytes)","data_percent":"1.00","metadata_percent":"","lv_tags":"\#(tags)","lv_time":""}"#
  }

  private func lvs(_ rows: String...) -> String {
    #"{"report":[{"lv":[\#(([pool, appdata] + rows).joined(separator: ","))]}]}"#
  }

  private func apply(
    _ answers: [String: String], source: String = "/dev/mapper/data-appdata", type: String = "ext4",
    size: UInt64? = 20 << 30, isSizeSet: Bool? = nil, isMounted: Bool = false, failing: [String: String] = [:]
  ) async throws -> [String] {
    let folder = try TemporaryDirectory()
    let path = folder.file("appdata/wiki")
    try FileManager.default.createDirectory(
      atPath: isMounted ? path : folder.file("appdata"), withIntermediateDirectories: true)
    var answers = answers
    answers["findmnt --json"] = #"{"filesystems":[{"source":"\#(source)","target":"/srv","fstype":"\#(type)"}]}"#
    let runner = RecordedRunner(answers, failing: failing)
    let owner = StackOwner(user: Int(getuid()), group: Int(getgid()))
    let stack = CompiledStack.sample(
      "wiki", volumes: [.sample("pages", path + "/pages", owner: owner, size: size, isSizeSet: isSizeSet)])
    let storage = NodeStorage(
      set: .sample([stack]), snapshots: NodeSnapshots(providers: [], runner: runner),
      runner: runner)
    _ = try await storage.apply(repairsOwners: false)
    return runner.commands.filter { !$0.hasPrefix("lvs") && !$0.hasPrefix("findmnt") }.map {
      $0.replacingOccurrences(of: folder.path, with: "")
    }
  }

  @Test("On LVM: a thin volume beside its class's, formatted and mounted")
  func make() async throws {
    let made = try await apply(["lvs": lvs()])
    let creation = "lvcreate --yes --type thin --thinpool pool --virtualsize 21474836480b"
    #expect(
      made == [
        creation + " --addtag bootstead.stack-disk --name appdata.wiki data",
        "lvchange --activate y data/appdata.wiki",
        "mkfs.ext4 -F -q -m 1 -L appdata.wiki /dev/data/appdata.wiki",
        "lvchange --addtag bootstead.formatted data/appdata.wiki",
        "mount -t ext4 -o noatime,noinit_itable /dev/data/appdata.wiki /appdata/wiki",
      ])
  }

  @Test("After a restart it is mounted, and never formatted again; what a power cut left half made is made again")
  func again() async throws {
    let whole = volume("appdata.wiki", tags: "bootstead.formatted,bootstead.stack-disk")
    #expect(
      try await apply(["lvs": lvs(whole)]) == [
        "lvchange --activate y data/appdata.wiki",
        "mount -t ext4 -o noatime,noinit_itable /dev/data/appdata.wiki /appdata/wiki",
      ])
    let half = try await apply(["lvs": lvs(volume("appdata.wiki", tags: "bootstead.stack-disk"))])
    #expect(half.contains { $0.hasPrefix("mkfs.ext4") })
    #expect(!half.contains { $0.hasPrefix("lvcreate") })
  }

  @Test("A volume of that name that was made by somebody else is refused, and stays")
  func foreign() async throws {
    let error = await #expect(throws: NodeWorkError.self) {
      try await apply(["lvs": lvs(volume("appdata.wiki", tags: ""))])
    }
    #expect(error?.problem.contains("was not made for a stack") == true)
  }

  @Test("It grows to its declared size and never shrinks", arguments: [(20 << 30, true), (1 << 30, false)])
  func grow(size: UInt64, grows: Bool) async throws {
    let own = volume("appdata.wiki", tags: "bootstead.formatted,bootstead.stack-disk", bytes: 5 << 30)
    let commands = try await apply(
      ["lvs": lvs(own)], source: "/dev/mapper/data-appdata.wiki", size: size, isMounted: true)
    let growing = ["lvextend --size 21474836480b data/appdata.wiki", "resize2fs /dev/data/appdata.wiki"]
    #expect(commands == (grows ? growing : []))
  }

  @Test("Volumes of one class share a disk of the sizes' sum; all that declare none count as 10 GiB together")
  func sizes() async throws {
    func bytes(_ sizes: [UInt64?]) async throws -> Substring? {
      let owner = StackOwner(user: Int(getuid()), group: Int(getgid()))
      let folder = try TemporaryDirectory()
      try FileManager.default.createDirectory(atPath: folder.file("appdata"), withIntermediateDirectories: true)
      var answers = ["lvs": lvs()]
      answers["findmnt --json"] =
        #"{"filesystems":[{"source":"/dev/mapper/data-appdata","target":"/srv","fstype":"ext4"}]}"#
      let runner = RecordedRunner(answers)
      let volumes = sizes.enumerated().map { number, size in
        StackVolume.sample("v\(number)", folder.file("appdata/wiki/v\(number)"), owner: owner, size: size)
      }
      let storage = NodeStorage(
        set: .sample([.sample("wiki", volumes: volumes)]), snapshots: NodeSnapshots(providers: [], runner: runner),
        runner: runner)
      _ = try await storage.apply(repairsOwners: false)
      let creation = runner.commands.first { $0.hasPrefix("lvcreate") }?.split(separator: " ")
      return creation?.firstIndex(of: "--virtualsize").flatMap { creation?[$0 + 1] }
    }
    #expect(try await bytes([nil, nil]) == "10737418240b")
    #expect(try await bytes([20 << 30, 1 << 30]) == "22548578304b")
    #expect(try await bytes([20 << 30, nil, nil]) == "32212254720b")
  }

  @Test(
    "On a plain disk there are folders alone; on ZFS a data set, with the limit that the machine's settings give it")
  func others() async throws {
    #expect(try await apply(["lvs": lvs()], source: "/dev/sda1") == [])
    let made = try await apply(
      [:], source: "tank/appdata", type: "zfs", isSizeSet: true, failing: ["zfs list": "dataset does not exist"])
    #expect(
      made == [
        "zfs list -H -o name tank/appdata/wiki",
        "zfs create -o mountpoint=/appdata/wiki -o quota=21474836480 tank/appdata/wiki",
      ])
    let wished = try await apply(
      [:], source: "tank/appdata", type: "zfs", failing: ["zfs list": "dataset does not exist"])
    #expect(wished.last == "zfs create -o mountpoint=/appdata/wiki tank/appdata/wiki")
    let again = try await apply([:], source: "tank/appdata", type: "zfs")
    #expect(again.last == "zfs mount tank/appdata/wiki")
  }
}
