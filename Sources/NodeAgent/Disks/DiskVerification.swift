import DiskLayout

extension DiskExecutor {
  /// Looks at the disk again right before the first write: is it the disk of the plan, in the state that it was planned
  /// for, or further along with this same plan?
  func verifiedDisk() throws(DiskExecutionError) -> Disk {
    let disk = try currentDisk()
    func refuse(_ problem: String) -> DiskExecutionError {
      .notThePlannedDisk(disk: plan.disk.id, problem: problem)
    }
    guard disk.serial == plan.disk.serial else {
      throw refuse("its serial number is \(disk.serial ?? "none") and not \(plan.disk.serial ?? "none")")
    }
    guard disk.size == plan.disk.size else { throw refuse("it has \(disk.size) bytes and not \(plan.disk.size)") }
    guard disk.logicalSectorSize == plan.disk.logicalSectorSize else {
      throw refuse("its sectors have \(disk.logicalSectorSize) bytes and not \(plan.disk.logicalSectorSize)")
    }
    guard !disk.isReadOnly, !disk.isBootMedium else { throw refuse("it is read-only or the boot medium") }
    try checkPlan(refuse)

    let isAsPlanned = disk.contents.digest == plan.disk.contentsDigest
    if disk.contents.table?.uuid == plan.tableUUID, plan.situation != .consented || !isAsPlanned {
      guard hasPlannedPartitions(disk) else { throw refuse("its partitions are not the planned ones") }
      try checkData(disk, refuse)
      return disk
    }
    guard disk.users.isEmpty else { throw refuse("it is in use by \(disk.users.joined(separator: ", "))") }
    switch plan.situation {
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

  /// A plan comes over the network: its numbers must make sense on this disk.
  private func checkPlan(_ refuse: (String) -> DiskExecutionError) throws(DiskExecutionError) {
    var free: UInt64 = 1 << 20
    for partition in plan.partitions.sorted(by: { $0.start < $1.start }) {
      let (end, overflow) = partition.start.addingReportingOverflow(partition.size)
      guard !overflow, partition.start >= free, end <= plan.disk.size, partition.size > 0,
        partition.start % (1 << 20) == 0, partition.size % (1 << 20) == 0
      else {
        throw refuse("the plan puts partition \(partition.number) at \(partition.start) with \(partition.size) bytes")
      }
      free = end
    }
    guard Set(plan.partitions.map(\.role)) == Set(PartitionRole.allCases), plan.partitions.count == 4 else {
      throw refuse("the plan does not have the four partitions")
    }
  }

  func hasPlannedPartitions(_ disk: Disk) -> Bool {
    disk.contents.partitions.count == plan.partitions.count
      && plan.partitions.allSatisfy { planned in
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
