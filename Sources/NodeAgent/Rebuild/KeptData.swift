import ProgramRunner
public import AgentProtocol
import DiskLayout
import NodeFiles

/// Looks after the data that a rebuild keeps: what has to hold before the first write, and the proof afterwards.
public protocol DataKeeping: Sendable {
  /// Compares the machine with its record, checks the pool, and has the state of the disks saved.
  /// - Parameters:
  ///   - say: gets lines for the log.
  ///   - save: returns once the appliance has what it is given; nothing is written before.
  /// - Returns: what the data volumes hold, before anything is written.
  /// - Throws: ``RebuildRefusal`` where the rebuild must not begin.
  func prepare(
    _ task: InstallTask, _ rebuild: RebuildTask, say: @escaping @Sendable (String) -> Void,
    save: @Sendable (SavedDiskState) async throws -> Void
  ) async throws -> [VolumeFingerprint]

  /// What the data volumes hold now; the group must not be active.
  func fingerprints(
    _ task: InstallTask, _ rebuild: RebuildTask, say: @escaping @Sendable (String) -> Void
  ) async throws -> [VolumeFingerprint]
}

/// The real data, by LVM, device mapper and thin_check.
public struct KeptData: DataKeeping {
  private let runner: any CommandRunner
  private let source: any DiskSource
  private let reader: any VolumeReading
  private let scratch: String
  private let hasUdev: Bool

  /// - Parameter scratch: an existing or new folder in memory, for the backup of the group's metadata.
  public init(
    runner: any CommandRunner = SubprocessRunner(), source: any DiskSource = InventoryReader(),
    reader: any VolumeReading = VolumeReader(), scratch: String = "/run/bootstead",
    hasUdev: Bool = FileSystemEntry("/run/udev/control").exists
  ) {
    self.runner = runner
    self.source = source
    self.reader = reader
    self.scratch = scratch
    self.hasUdev = hasUdev
  }

  public func prepare(
    _ task: InstallTask, _ rebuild: RebuildTask, say: @escaping @Sendable (String) -> Void,
    save: @Sendable (SavedDiskState) async throws -> Void
  ) async throws -> [VolumeFingerprint] {
    let inventory = source.disks()
    let comparison = RecordComparison(rebuild: rebuild, plan: task.plan, inventory: inventory)
    let differences = comparison.differences
    guard differences.isEmpty else { throw RebuildRefusal.differences(differences) }

    var state = SavedDiskState(
      task: task.identifier, partitionTables: try await partitionTables(rebuild, comparison), volumeGroups: [:])
    guard let uuid = rebuild.volumeGroupUUID else {
      say("no data group is kept")
      try await save(state)
      return []
    }
    var kept = try pool(uuid, inventory)
    let missing = comparison.missingMembers(of: kept.group)
    guard missing.isEmpty else { throw RebuildRefusal.differences(missing) }
    say("the machine is as recorded: \(rebuild.disks.count) disks, volume group \(kept.group.name) \(uuid)")

    state.volumeGroups[kept.group.name] = try await backup(kept)
    let findings = try await kept.check()
    if !findings.isEmpty {
      say("pool \(kept.group.name)/\(kept.pool.name) is damaged: \(findings.joined(separator: "; "))")
      let name = "\(kept.group.name)/\(kept.pool.name)"
      guard rebuild.mayRepairPool else {
        throw RebuildRefusal.damagedPool(pool: name, machine: task.machineName, findings: findings)
      }
      try await save(state)
      say("repairing \(name), as it was consented to; its metadata as it is now stays in a volume of its own")
      try await kept.repair()
      kept = try pool(uuid, source.disks())
      let left = try await kept.check()
      guard left.isEmpty else { throw RebuildRefusal.repairFailed(pool: name, findings: left) }
      state.volumeGroups[kept.group.name] = try await backup(kept)
    }
    say("pool \(kept.group.name)/\(kept.pool.name): thin_check finds no damage")
    state.fingerprints = try await kept.fingerprints(rebuild.fingerprint, reader: reader, say: say)
    for print in state.fingerprints { say("volume \(print.name): \(print.depth.rawValue) SHA-256 \(print.digest)") }
    try await save(state)
    return state.fingerprints
  }

  public func fingerprints(
    _ task: InstallTask, _ rebuild: RebuildTask, say: @escaping @Sendable (String) -> Void
  ) async throws -> [VolumeFingerprint] {
    guard let uuid = rebuild.volumeGroupUUID else { return [] }
    return try await pool(uuid, source.disks()).fingerprints(rebuild.fingerprint, reader: reader, say: say)
  }

  // MARK: What is there

  /// The pool of the group with this UUID.
  private func pool(_ uuid: String, _ inventory: DiskInventory) throws -> KeptPool {
    func refuse(_ detail: String) -> RebuildRefusal {
      .unknownState(what: "The volume group \(uuid) can not be kept", detail: detail)
    }
    var group: VolumeGroupRecord?
    var nodes: [String: String] = [:]
    for disk in inventory.disks {
      var paths: [(signatures: [Signature], path: String?)] = [(disk.contents.signatures, disk.node)]
      let partitionNodes = source.partitionNodes(of: disk)
      paths += disk.contents.partitions.map { ($0.signatures, partitionNodes[$0.number]?.path) }
      for (signatures, path) in paths {
        guard let member = signatures.first(where: { $0.type == "LVM2_member" }), let path else { continue }
        if let uuid = member.uuid { nodes[uuid] = path }
        guard member.volumeGroup?.uuid == uuid, group == nil else { continue }
        group = source.volumeGroup(ofDevice: path)
        if group?.physicalVolumes.isEmpty == true { throw refuse("its metadata names no physical volume") }
      }
    }
    guard let group, group.uuid == uuid else { throw refuse("its metadata can not be read") }
    let pools = group.volumes.filter { $0.segmentType == "thin-pool" }
    guard let pool = pools.first, pools.count == 1 else { throw refuse("it has \(pools.count) thin pools") }
    return KeptPool(
      group: group, pool: pool, devices: group.physicalVolumes.compactMap { nodes[$0] }, runner: runner,
      hasUdev: hasUdev)
  }

  private func partitionTables(_ rebuild: RebuildTask, _ comparison: RecordComparison) async throws -> [String: String]
  {
    var tables: [String: String] = [:]
    for record in rebuild.disks {
      guard let disk = comparison.disk(record), disk.contents.table != nil else { continue }
      tables[disk.id] = try await runner.run(Command("sfdisk", ["--dump", disk.node])).standardOutput
    }
    return tables
  }

  private func backup(_ pool: KeptPool) async throws -> String {
    try WholeFile.makeFolder(scratch, mode: 0o755)
    let path = scratch + "/\(pool.group.name).vg"
    try await pool.lvm("vgcfgbackup", ["--file", path, pool.group.name])
    guard let text = FileSystemEntry(path).text(limit: 2 << 20), text.contains(pool.group.uuid) else {
      throw RebuildRefusal.unknownState(
        what: "The metadata of the volume group \(pool.group.name) can not be saved",
        detail: "vgcfgbackup left no \(path)")
    }
    return text
  }
}
