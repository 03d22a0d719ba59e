import DiskLayout

extension DiskExecutor {
  /// Looks at the disks again right before the first write: are they those of the plan, in the state that it was planned
  /// for, or further along with this same plan?
  /// - Returns: the system disk.
  func verifiedDisks() throws(DiskExecutionError) -> Disk {
    try checkPlan()
    var disks: [Disk] = []
    for table in plan.tables { disks.append(try verifiedDisk(table)) }
    guard let system = disks.first, Set(disks.map(\.node)).count == disks.count else {
      throw .notThePlannedDisk(disk: plan.disk.id, problem: "the plan names it twice")
    }
    return system
  }

  private func verifiedDisk(_ table: PlannedTable) throws(DiskExecutionError) -> Disk {
    let planned = table.disk
    let disk = try currentDisk(planned)
    func refuse(_ problem: String) -> DiskExecutionError { .notThePlannedDisk(disk: planned.id, problem: problem) }
    guard disk.serial == planned.serial else {
      throw refuse("its serial number is \(disk.serial ?? "none") and not \(planned.serial ?? "none")")
    }
    guard disk.size == planned.size else { throw refuse("it has \(disk.size) bytes and not \(planned.size)") }
    guard disk.logicalSectorSize == planned.logicalSectorSize else {
      throw refuse("its sectors have \(disk.logicalSectorSize) bytes and not \(planned.logicalSectorSize)")
    }
    guard !disk.isReadOnly, !disk.isBootMedium else { throw refuse("it is read-only or the boot medium") }

    let isAsPlanned = disk.contents.digest == planned.contentsDigest
    if disk.contents.table?.uuid == table.uuid, table.situation != .consented || !isAsPlanned {
      guard hasPlannedPartitions(disk, table) else { throw refuse("its partitions are not the planned ones") }
      if table.partitions.contains(where: { $0.role == .data }) { try checkData(disk, refuse) }
      return disk
    }
    guard disk.users.isEmpty else { throw refuse("it is in use by \(disk.users.joined(separator: ", "))") }
    switch table.situation {
    case .own: throw refuse("this machine's partitions are no longer on it")
    case .blank:
      guard disk.contents.isBlank else {
        throw refuse("it is not empty: " + disk.contents.findings.joined(separator: "; "))
      }
    case .consented:
      // Blank: cut off between the wipe and the new table.
      guard disk.contents.isBlank || isAsPlanned else {
        throw refuse("something else is on it now: " + disk.contents.findings.joined(separator: "; "))
      }
    }
    return disk
  }

  /// A plan comes over the network: its numbers must make sense on its disks.
  private func checkPlan() throws(DiskExecutionError) {
    for table in plan.tables {
      var free: UInt64 = 1 << 20
      for partition in table.partitions.sorted(by: { $0.start < $1.start }) {
        let (end, overflow) = partition.start.addingReportingOverflow(partition.size)
        guard !overflow, partition.start >= free, end <= table.disk.size, partition.size > 0,
          partition.start % (1 << 20) == 0, partition.size % (1 << 20) == 0
        else {
          throw .notThePlannedDisk(
            disk: table.disk.id,
            problem: "the plan puts partition \(partition.number) at \(partition.start) with \(partition.size) bytes")
        }
        free = end
      }
    }
    let roles = plan.tables.flatMap(\.partitions).map(\.role)
    guard Set(roles) == Set(PartitionRole.allCases), roles.count == 4,
      plan.tables[0].partitions.contains(where: { $0.role == .system })
    else {
      throw .notThePlannedDisk(disk: plan.disk.id, problem: "the plan does not have the four partitions")
    }
  }

  func hasPlannedPartitions(_ disk: Disk, _ table: PlannedTable) -> Bool {
    disk.contents.partitions.count == table.partitions.count
      && table.partitions.allSatisfy { planned in
        disk.contents.partitions.contains {
          $0.number == planned.number && $0.uuid == planned.uuid && $0.start == planned.start
            && $0.size == planned.size && $0.type == planned.typeGUID
        }
      }
  }

  /// The data partition holds nothing, our own physical volume, or the group that the plan takes over.
  private func checkData(_ disk: Disk, _ refuse: (String) -> DiskExecutionError) throws(DiskExecutionError) {
    let signatures = disk.contents.partitions.first { $0.uuid == plan.partition(.data)?.uuid }?.signatures ?? []
    if let foreign = signatures.first(where: { $0.type != "LVM2_member" }) {
      throw refuse("\(foreign) is in its data partition")
    }
    let group = signatures.first?.volumeGroup
    if let group, !group.tags.contains(PlannedVolumeGroup.tag) || group.name != plan.volumeGroup.name {
      throw refuse("the volume group “\(group.name)” in its data partition is not this machine's")
    }
    if let kept = plan.volumeGroup.kept, group?.uuid != kept {
      throw refuse("the volume group \(kept), which was to be taken over, is not on it")
    }
  }
}
