import ProgramRunner
import DiskLayout

extension DiskExecutor {
  func partitionSteps(_ table: PlannedTable) -> [DiskStep] {
    var steps: [DiskStep] = []
    if table.situation == .consented { steps.append(wipeStep(table)) }
    return steps + [tableStep(table), nodesStep(table)]
  }

  /// RAID and ZFS keep signatures at the end of the disk, and partitions inside hold their own: all go, so that nothing
  /// of the old content is recognised later.
  private func wipeStep(_ table: PlannedTable) -> DiskStep {
    let text = "Wipe what was on \(table.disk.id)"
    return DiskStep(text: text) { () throws(DiskExecutionError) in
      // The disk was verified: it holds what was to go, nothing, or already this plan's partitions.
      try currentDisk(table.disk).contents.digest != table.disk.contentsDigest
    } run: { () throws(DiskExecutionError) in
      let disk = try currentDisk(table.disk)
      for node in source.partitionNodes(of: disk).values.sorted(by: { $0.path < $1.path }) {
        try await command(text, Command("wipefs", ["--all", "--force", "--lock=yes", node.path]))
      }
      try await command(text, Command("wipefs", ["--all", "--force", "--lock=yes", disk.node]))
      try await settle(text)
    }
  }

  private func tableStep(_ table: PlannedTable) -> DiskStep {
    let text = "Partition \(table.disk.id)"
    return DiskStep(text: text) { () throws(DiskExecutionError) in
      let disk = try currentDisk(table.disk)
      return disk.contents.table?.uuid == table.uuid && hasPlannedPartitions(disk, table)
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
          [
            "--wipe", "always", "--wipe-partitions", "always", "--lock=yes", "--quiet",
            try currentDisk(table.disk).node,
          ],
          input: Self.partitionScript(table)))
      try await settle(text)
    }
  }

  /// sfdisk's script for a table (sfdisk(8), "Input formats"), in sectors of the disk.
  package static func partitionScript(_ table: PlannedTable) -> String {
    let sector = max(512, table.disk.logicalSectorSize)
    var lines = [
      "label: gpt", "label-id: \(table.uuid.uppercased())", "unit: sectors", "first-lba: \((1 << 20) / sector)", "",
    ]
    for partition in table.partitions {
      lines.append(
        "\(partition.number) : start=\(partition.start / sector), size=\(partition.size / sector), "
          + "type=\(partition.typeGUID.uppercased()), uuid=\(partition.uuid.uppercased()), name=\"\(partition.name)\"")
    }
    return lines.joined(separator: "\n") + "\n"
  }

  private func nodesStep(_ table: PlannedTable) -> DiskStep {
    let text = "Have the kernel read the partitions of \(table.disk.id)"
    return DiskStep(text: text) { () throws(DiskExecutionError) in
      let nodes = source.partitionNodes(of: try currentDisk(table.disk))
      return table.partitions.allSatisfy { planned in
        guard let node = nodes[planned.number] else { return false }
        return node.start == planned.start && node.size == planned.size && source.deviceNumber(of: node.path) != nil
      }
    } run: { () throws(DiskExecutionError) in
      try await command(text, Command("partx", ["--update", try currentDisk(table.disk).node]))
      try await settle(text)
    }
  }
}
