import AgentProtocol
import DiskLayout

/// Compares a machine with what its last install left: only what a rebuild keeps has to be as it was, since the first
/// run of the same rebuild may have begun to write the system already.
struct RecordComparison {
  let rebuild: RebuildTask
  let plan: LayoutPlan
  let inventory: DiskInventory

  /// Everything that is not as recorded; empty where the rebuild may go on.
  var differences: [RecordDifference] { rebuild.disks.flatMap(differences) + groupDifferences }

  // MARK: Disks

  /// The disk of a record: by its partition table first, which goes with it to another controller or machine board.
  func disk(_ record: InstalledDisk) -> Disk? {
    if let uuid = record.partitionTableUUID?.lowercased(),
      let disk = inventory.disks.first(where: { $0.contents.table?.uuid == uuid })
    {
      return disk
    }
    if let disk = inventory.disks.first(where: {
      $0.id == record.identifier || $0.aliases.contains(record.identifier)
    }) {
      return disk
    }
    guard let serial = record.serial else { return nil }
    let found = inventory.disks.filter { $0.serial == serial }
    return found.count == 1 ? found.first : nil
  }

  private func differences(_ record: InstalledDisk) -> [RecordDifference] {
    let subject = "disk \(record.identifier)"
    guard let disk = disk(record) else {
      var expected = record.serial.map { "serial number \($0)" } ?? "a disk without a serial number"
      if let uuid = record.partitionTableUUID { expected += ", partition table \(uuid)" }
      let present = inventory.disks.map { "\($0.id) (\($0.serial.map { "serial \($0)" } ?? "no serial number"))" }
      return [
        RecordDifference(
          subject: subject, expected: expected,
          found: "no such disk; there is " + (present.isEmpty ? "no disk at all" : present.joined(separator: ", ")))
      ]
    }
    var differences: [RecordDifference] = []
    if let serial = record.serial, disk.serial != serial {
      differences.append(
        RecordDifference(
          subject: subject, expected: "serial number \(serial)",
          found: disk.serial.map { "serial number \($0)" } ?? "no serial number"))
    }
    // A disk that is laid out anew by consent, or because it was blank, has nothing on it that is kept.
    if let uuid = record.partitionTableUUID?.lowercased(), disk.contents.table?.uuid != uuid, keepsTable(of: disk) {
      differences.append(
        RecordDifference(
          subject: subject, expected: "partition table \(uuid)",
          found: disk.contents.table.map { "partition table \($0.uuid ?? "without an identifier")" }
            ?? "no partition table"))
    }
    return differences
  }

  private func keepsTable(of disk: Disk) -> Bool {
    plan.tables.first { $0.disk.id == disk.id }.map { $0.situation == .own } ?? true
  }

  // MARK: The data group

  private struct Member {
    var uuid: String?
    var group: FoundVolumeGroup?
  }

  private var members: [Member] {
    inventory.disks.flatMap { $0.contents.signatures + $0.contents.partitions.flatMap(\.signatures) }
      .filter { $0.type == "LVM2_member" }.map { Member(uuid: $0.uuid, group: $0.volumeGroup) }
  }

  private var groupDifferences: [RecordDifference] {
    guard let expected = rebuild.volumeGroupUUID else { return [] }
    let subject = "volume group \(plan.volumeGroup.name)"
    let members = members
    guard let group = members.compactMap(\.group).first(where: { $0.uuid == expected }) else {
      let found = Set(members.compactMap { $0.group.map { "\($0.name) \($0.uuid)" } }).sorted()
      return [
        RecordDifference(
          subject: subject, expected: "UUID \(expected)",
          found: found.isEmpty ? "no volume group" : found.joined(separator: ", "))
      ]
    }
    var differences: [RecordDifference] = []
    if plan.volumeGroup.kept != expected {
      differences.append(
        RecordDifference(
          subject: subject, expected: "a plan that keeps \(expected)",
          found: plan.volumeGroup.kept.map { "one that keeps \($0)" } ?? "one that keeps no group"))
    }
    // A machine that was renamed gets its new tag in the first run of the rebuild.
    let isTagged =
      Set(rebuild.tags).isSubset(of: group.tags) || Set(plan.volumeGroup.tags).isSubset(of: group.tags)
    if !isTagged {
      differences.append(
        RecordDifference(
          subject: subject, expected: "the tags \(rebuild.tags.sorted().joined(separator: ", "))",
          found: group.tags.isEmpty ? "no tags" : "the tags \(group.tags.sorted().joined(separator: ", "))"))
    }
    return differences
  }

  /// - Parameter group: as its own metadata describes it.
  func missingMembers(of group: VolumeGroupRecord) -> [RecordDifference] {
    let present = Set(members.compactMap(\.uuid))
    return group.physicalVolumes.filter { !present.contains($0) }.map {
      RecordDifference(
        subject: "volume group \(group.name)", expected: "the physical volume \($0)",
        found: "it on none of the machine's disks")
    }
  }
}
