import DiskLayout

extension DiskExecutor {
  var partitionSteps: [DiskStep] {
    var steps: [DiskStep] = []
    if plan.situation == .consented { steps.append(wipeStep) }
    return steps + [tableStep, nodesStep]
  }

  /// RAID and ZFS keep signatures at the end of the disk, and partitions inside hold their own: all go, so that nothing
  /// of the old content is recognised later.
  private var wipeStep: DiskStep {
    let text = "Wipe what was on \(plan.disk.id)"
    return DiskStep(text: text) { () throws(DiskExecutionError) in
      // The disk was verified: it holds what was to go, nothing, or already this plan's partitions.
      try currentDisk().contents.digest != plan.disk.contentsDigest
    } run: { () throws(DiskExecutionError) in
      let disk = try currentDisk()
      for node in source.partitionNodes(of: disk).values.sorted(by: { $0.path < $1.path }) {
        try await command(text, Command("wipefs", ["--all", "--force", "--lock=yes", node.path]))
      }
      try await command(text, Command("wipefs", ["--all", "--force", "--lock=yes", disk.node]))
      try await settle(text)
    }
  }

  private var tableStep: DiskStep {
    let text = "Partition \(plan.disk.id)"
    return DiskStep(text: text) { () throws(DiskExecutionError) in
      let disk = try currentDisk()
      return disk.contents.table?.uuid == plan.tableUUID && hasPlannedPartitions(disk)
    } run: { () throws(DiskExecutionError) in
      try await settle(text)
      // Without the lock udev looks into the disk at the moment when the kernel is to read the table again
      // (systemd.io/BLOCK_DEVICE_LOCKING).
      // sfdisk writes the backup table first and the protective MBR last (libfdisk, gpt_write_disklabel): cut off in
      // between, the disk has no table.
      try await command(
        text,
        Command(
          "sfdisk",
          ["--wipe", "always", "--wipe-partitions", "always", "--lock=yes", "--quiet", try currentDisk().node],
          input: partitionScript))
      try await settle(text)
    }
  }

  /// sfdisk's script for the plan (sfdisk(8), "Input formats"), in sectors of the disk.
  package var partitionScript: String {
    let sector = max(512, plan.disk.logicalSectorSize)
    var lines = [
      "label: gpt", "label-id: \(plan.tableUUID.uppercased())", "unit: sectors", "first-lba: \((1 << 20) / sector)", "",
    ]
    for partition in plan.partitions {
      lines.append(
        "\(partition.number) : start=\(partition.start / sector), size=\(partition.size / sector), "
          + "type=\(partition.typeGUID.uppercased()), uuid=\(partition.uuid.uppercased()), name=\"\(partition.name)\"")
    }
    return lines.joined(separator: "\n") + "\n"
  }

  private var nodesStep: DiskStep {
    let text = "Have the kernel read the new partitions"
    return DiskStep(text: text) { () throws(DiskExecutionError) in
      let nodes = source.partitionNodes(of: try currentDisk())
      return plan.partitions.allSatisfy { planned in
        guard let node = nodes[planned.number] else { return false }
        return node.start == planned.start && node.size == planned.size && source.deviceNumber(of: node.path) != nil
      }
    } run: { () throws(DiskExecutionError) in
      try await command(text, Command("partx", ["--update", try currentDisk().node]))
      try await settle(text)
    }
  }
}
