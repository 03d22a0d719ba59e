public import DiskLayout
import FoundationEssentials
import ProgramRunner
import StackSet

/// Adds empty disks to a pool: to a volume group and its thin pool, or to a ZFS pool as a mirror.
///
/// What it is about to do is written down before the first disk is touched: after a power cut the same call goes on, and
/// only then a disk may carry what the first call had begun.
public struct DiskAddition: Sendable {
  /// Bytes that stay free in a volume group, for repairing and growing a pool's metadata.
  static let reserve: UInt64 = 2 << 30

  let folders: NodeFolders
  let snapshots: NodeSnapshots
  let runner: any CommandRunner

  public init(folders: NodeFolders, snapshots: NodeSnapshots, runner: any CommandRunner) {
    self.folders = folders
    self.snapshots = snapshots
    self.runner = runner
  }

  /// What would be done.
  public struct Plan: Sendable, Hashable, Codable {
    public struct Item: Sendable, Hashable, Codable {
      /// The name that stays.
      public var device: String
      public var serial: String?
      /// Model, size, serial number.
      public var summary: String
      /// `nothing`, or what the first call left.
      public var contents: String
    }
    public var pool: String
    public var provider: Snapshot.Provider
    public var disks: [Item]
    /// What is done, a line each; none where the disks are part of the pool already.
    public var steps: [String]
    public var notes: [String]
    /// How ZFS is told of them: `mirror` for the new part.
    var addArguments: [String] = []

    public var lines: [String] {
      var lines = disks.map { "disk   \($0.device): \($0.summary); on it: \($0.contents)" }
      lines += steps.map { "step   \($0)" }
      if steps.isEmpty { lines.append("nothing is to be done: \(pool) has them already") }
      return lines + notes.map { "note   \($0)" }
    }
  }

  struct Journal: Sendable, Hashable, Codable {
    var schema = 1
    var pool: String
    var devices: [String]
    /// Of the thin pool afterwards, once that is known.
    var poolBytes: UInt64?
  }

  // MARK: Planning

  /// Looks only.
  /// - Parameters:
  ///   - names: each a stable name, a further one, a device node or a serial number.
  ///   - found: all disks of the machine.
  public func plan(
    _ names: [String], pool name: String?, found: [Disk]
  ) async throws(NodeWorkError) -> Plan {
    let pool = try await self.pool(name)
    var disks: [Disk] = []
    for name in names {
      let disk = try Self.disk(name, found)
      guard !disks.contains(disk) else { throw NodeWorkError(.storage, "\(disk.id) is named twice") }
      disks.append(disk)
    }
    let journal = try DurableFile.value(Journal.self, at: folders.diskAddition)
    let devices = disks.compactMap(\.stablePath)
    let isResumed = journal.map { $0.pool == pool.name && $0.devices == devices } ?? false
    if let journal, !isResumed {
      throw NodeWorkError(
        .unfinished, "adding \(journal.devices.joined(separator: " ")) to \(journal.pool) was begun and did not end",
        advice: "call 'storage add-disk' with these first: it goes on")
    }
    switch pool.provider {
    case .thin: return try await planThin(pool, disks, isResumed)
    case .zfs: return try await planZFS(pool, disks, isResumed)
    }
  }

  private func pool(_ name: String?) async throws(NodeWorkError) -> PoolUse {
    let pools = try await snapshots.pools()
    if let name {
      if let pool = pools.first(where: { $0.name == name }) { return pool }
      throw NodeWorkError(
        .unknownStack, "there is no pool “\(name)”", advice: "there are \(pools.map(\.name).joined(separator: ", "))")
    }
    guard let pool = pools.first, pools.count == 1 else {
      throw NodeWorkError(
        .storage, pools.isEmpty ? "this machine has no pool" : "this machine has several pools",
        advice: pools.isEmpty
          ? "pools are made by an install" : "name one with --pool: \(pools.map(\.name).joined(separator: ", "))")
    }
    return pool
  }

  private static func disk(_ name: String, _ found: [Disk]) throws(NodeWorkError) -> Disk {
    let fitting = found.filter {
      [$0.id, $0.node, $0.stablePath, $0.serial].contains(name)
        || $0.aliases.contains { $0 == name || "/dev/disk/by-id/" + $0 == name }
    }
    guard let disk = fitting.first else {
      throw NodeWorkError(
        .storage, "there is no disk “\(name)”",
        advice: "there are \(found.map(\.id).joined(separator: ", ")); see 'bootstead-agent inventory'")
    }
    guard fitting.count == 1 else {
      throw NodeWorkError(.storage, "several disks answer to “\(name)”", advice: "name one by its stable name")
    }
    guard disk.stablePath != nil else {
      throw NodeWorkError(
        .storage, "\(disk.node) has no name that stays, so that another disk could take its place at the next start",
        advice: "use a disk with a serial number")
    }
    return disk
  }

  /// - Parameter mayHold: whether what is on the disk is what an earlier call left.
  private static func checkEmpty(_ disk: Disk, mayHold: (Disk) -> Bool) throws(NodeWorkError) {
    if mayHold(disk) { return }
    func refuse(_ why: String, _ advice: String) -> NodeWorkError {
      NodeWorkError(.storage, "\(disk.summary): \(why)", advice: advice)
    }
    if disk.isBootMedium { throw refuse("this machine runs from it", "name another disk") }
    if !disk.users.isEmpty { throw refuse("it is in use: \(disk.users.joined(separator: ", "))", "name another disk") }
    if disk.isReadOnly { throw refuse("it is read-only", "name another disk") }
    if disk.isRemovable { throw refuse("it can be pulled out at any time", "name a disk that is built in") }
    guard disk.contents.isBlank else {
      throw refuse(
        "there is something on it: \(disk.contents.findings.joined(separator: "; "))",
        "nothing is erased here: look at it, and where it may go empty it yourself with 'wipefs --all', then try again")
    }
  }

  private static func item(_ disk: Disk) -> Plan.Item {
    let findings = disk.contents.findings.joined(separator: "; ")
    return Plan.Item(
      device: disk.stablePath ?? disk.node, serial: disk.serial, summary: disk.summary,
      contents: findings.isEmpty ? "nothing" : findings)
  }

  // MARK: LVM

  private static func group(of disk: Disk) -> String?? {
    disk.contents.signatures.first { $0.type == "LVM2_member" }.map { $0.volumeGroup?.name }
  }

  private func planThin(_ pool: PoolUse, _ disks: [Disk], _ isResumed: Bool) async throws(NodeWorkError) -> Plan {
    let group = String(pool.name.prefix { $0 != "/" })
    if !isResumed, disks.allSatisfy({ Self.group(of: $0) == .some(.some(group)) }) {
      return Plan(pool: pool.name, provider: .thin, disks: disks.map(Self.item), steps: [], notes: [])
    }
    for disk in disks {
      try Self.checkEmpty(disk) { disk in
        guard isResumed, let found = Self.group(of: disk) else { return false }
        return found == nil || found == group
      }
      guard disk.size > Self.reserve else {
        throw NodeWorkError(.storage, "\(disk.summary) is smaller than \(ByteSize.text(Self.reserve))")
      }
    }
    try await checkSafety(pool, group)
    let devices = disks.compactMap(\.stablePath).joined(separator: " ")
    return Plan(
      pool: pool.name, provider: .thin, disks: disks.map(Self.item),
      steps: [
        "pvcreate \(devices)", "vgextend \(group) \(devices)",
        "lvextend \(pool.name) by what is free then, but for \(ByteSize.text(Self.reserve))",
      ],
      notes: ["afterwards the pool lies on more disks, and is lost when one of them is; backups stay what protects it"])
  }

  /// A bare disk beside a mirror or below no encryption would take away what the pool has.
  private func checkSafety(_ pool: PoolUse, _ group: String) async throws(NodeWorkError) {
    for volume in try await PhysicalVolume.all(runner) where volume.group == group {
      if volume.name.hasPrefix("/dev/md") {
        throw NodeWorkError(
          .storage, "the group \(group) lies on the mirror \(volume.name); a bare disk beside it would have no mirror",
          advice: "make a second mirror with mdadm, and add that with vgextend")
      }
      if volume.name.hasPrefix("/dev/mapper/") {
        throw NodeWorkError(
          .storage,
          "the group \(group) lies on \(volume.name), which is encrypted or mapped; a bare disk beside it is not",
          advice: "set the new disk up in the same way, and add it with vgextend")
      }
      if volume.isMissing {
        throw NodeWorkError(
          .storage, "a disk of the group \(group) is missing (\(volume.uuid))", advice: "see to that one first")
      }
    }
    let leaf = String(pool.name.split(separator: "/").last ?? "")
    let output = try await runner.work(
      Command("lvs", ["--all", "--noheadings", "--separator", "|", "--options", "lv_name,segtype", group]), .storage)
    for line in output.standardOutput.split(whereSeparator: \.isNewline) {
      let row = line.split(separator: "|").map { $0.filter { !$0.isWhitespace && $0 != "[" && $0 != "]" } }
      guard row.count == 2, row[0] == leaf + "_tdata", row[1].hasPrefix("raid") || row[1] == "mirror" else { continue }
      throw NodeWorkError(
        .storage, "the pool \(pool.name) is a mirror of LVM (\(row[1])); one more disk can not carry both halves",
        advice: "add two disks with vgextend, and grow the pool with lvextend")
    }
  }

  // MARK: ZFS

  private func planZFS(_ pool: PoolUse, _ disks: [Disk], _ isResumed: Bool) async throws(NodeWorkError) -> Plan {
    let status = try await ZFSPoolStatus.read(pool.name, runner)
    let members = Set(status.parts.flatMap(\.members))
    func isMember(_ disk: Disk) -> Bool {
      members.contains {
        $0 == disk.stablePath || Self.isPart($0, of: disk.node) || ($0.hasPrefix((disk.stablePath ?? "-") + "-part"))
      }
    }
    if disks.allSatisfy(isMember) {
      return Plan(pool: pool.name, provider: .zfs, disks: disks.map(Self.item), steps: [], notes: [])
    }
    for disk in disks {
      try Self.checkEmpty(disk) { disk in
        // A label of an addition that the pool does not know of.
        isResumed && disk.users.isEmpty
          && (disk.contents.signatures + disk.contents.partitions.flatMap(\.signatures)).allSatisfy {
            $0.type == "zfs_member"
          }
      }
    }
    guard let first = status.parts.first, status.parts.allSatisfy(\.isMirror) else {
      throw NodeWorkError(
        .storage,
        "the pool \(pool.name) is no pool of mirrors (\(status.parts.map(\.name).joined(separator: ", "))); "
          + "a part that is added can not be taken out of it again, and its loss would be the pool's",
        advice: "see 'man zpool-add', and do it by hand where that is what you want")
    }
    guard disks.count == first.members.count else {
      throw NodeWorkError(
        .storage,
        "the mirrors of \(pool.name) have \(first.members.count) disks, and \(disks.count) were named; "
          + "the pool would be lost with a part that is less safe",
        advice: "name \(first.members.count) disks")
    }
    let sizes = disks.map(\.size)
    let add = ["add", pool.name, "mirror"] + disks.compactMap(\.stablePath)
    return Plan(
      pool: pool.name, provider: .zfs, disks: disks.map(Self.item), steps: ["zpool " + add.joined(separator: " ")],
      notes: sizes.min() == sizes.max() ? [] : ["the disks differ in size: the smallest one counts"],
      addArguments: add)
  }

  /// Whether a device node is a disk or one of its partitions.
  private static func isPart(_ path: String, of node: String) -> Bool {
    guard path.hasPrefix(node) else { return false }
    let rest = path.dropFirst(node.count)
    let digits = rest.hasPrefix("p") ? rest.dropFirst() : rest
    return rest.isEmpty || (!digits.isEmpty && digits.allSatisfy(\.isNumber))
  }
}
