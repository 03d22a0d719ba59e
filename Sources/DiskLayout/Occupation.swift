/// What a chosen disk carries already, and whether that may go or is taken over.
struct Occupation {
  var situation: DiskSituation
  /// The partitions that are taken over as they are.
  var partitions: [PlannedPartition]?
  var keptGroup: String?
  var destroys: [String] = []

  init(
    disk: Disk, roles: [PartitionRole], spec: LayoutSpec, identifiers: Identifiers, machine: String, keeping: String?,
    mayWipe: Bool, mayLoseData: Bool
  ) throws(LayoutRefusal) {
    let isOwn = disk.contents.table?.uuid == identifiers.table
    if !isOwn, let keeping, !mayLoseData {
      throw .dataMissing(
        disk: disk.summary, consentName: disk.consentName, expected: keeping, findings: disk.contents.findings)
    }
    // Data on record may go only by the consent that says so.
    let mayGo = keeping == nil ? mayWipe : mayLoseData
    if isOwn {
      do throws(LayoutRefusal) {
        self = try Self.own(disk, roles, spec, identifiers, keeping, mayLoseData)
        return
      } catch {
        // Consent is for what cannot be taken over: an install that was cut off goes on in spite of it.
        switch error {
        case .laidOutDifferently, .foreignContent: guard mayGo else { throw error }
        default: throw error
        }
      }
    }
    guard disk.users.isEmpty else { throw .inUse(disk: disk.summary, users: disk.users) }
    if disk.contents.isBlank {
      situation = .blank
      return
    }
    guard mayGo else {
      if let other = LayoutPlanner.otherMachine(on: disk, than: machine) {
        throw .otherMachinesDisk(
          disk: disk.summary, consentName: disk.consentName, machine: other, group: spec.volumeGroup)
      }
      throw .foreignContent(disk: disk.summary, consentName: disk.consentName, findings: disk.contents.findings)
    }
    situation = .consented
    destroys = disk.contents.findings
  }

  private init(situation: DiskSituation, partitions: [PlannedPartition]?, keptGroup: String?, destroys: [String]) {
    self.situation = situation
    self.partitions = partitions
    self.keptGroup = keptGroup
    self.destroys = destroys
  }

  private static func own(
    _ disk: Disk, _ roles: [PartitionRole], _ spec: LayoutSpec, _ identifiers: Identifiers, _ keeping: String?,
    _ mayLoseData: Bool
  ) throws(LayoutRefusal) -> Occupation {
    guard let partitions = adopted(disk, roles, identifiers) else {
      throw .laidOutDifferently(
        disk: disk.summary, consentName: disk.consentName, found: disk.contents.findings)
    }
    let found = disk.contents.partitions.first { $0.uuid == identifiers.partition(.data) }
    let signatures = found?.signatures ?? []
    let member = signatures.first { $0.type == "LVM2_member" }
    // Anything but our own physical volume in the data partition was put there by somebody else.
    guard signatures.allSatisfy({ $0.type == "LVM2_member" }) else {
      throw .foreignContent(
        disk: disk.summary, consentName: disk.consentName, findings: disk.contents.findings)
    }
    let group = member?.volumeGroup
    if let group {
      guard group.tags.contains(PlannedVolumeGroup.tag), group.name == spec.volumeGroup else {
        throw .foreignContent(
          disk: disk.summary, consentName: disk.consentName, findings: disk.contents.findings)
      }
    } else if let member, member.uuid != identifiers.physicalVolume {
      throw .foreignContent(
        disk: disk.summary, consentName: disk.consentName, findings: disk.contents.findings)
    }
    if let keeping, group?.uuid != keeping, !mayLoseData {
      throw .dataMissing(
        disk: disk.summary, consentName: disk.consentName, expected: keeping, findings: disk.contents.findings)
    }
    var destroys: [String] = []
    for (role, uuid) in [(PartitionRole.esp, identifiers.esp), (.system, identifiers.system)] {
      let found = disk.contents.partitions.first { $0.uuid == identifiers.partition(role) }
      for signature in found?.signatures ?? [] where signature.uuid != uuid {
        destroys.append("partition \(found?.number ?? 0), of an earlier install: \(signature)")
      }
    }
    return Occupation(situation: .own, partitions: partitions, keptGroup: group?.uuid, destroys: destroys)
  }

  /// The partitions on the disk as planned ones, where they are those of this machine and usable.
  private static func adopted(
    _ disk: Disk, _ roles: [PartitionRole], _ identifiers: Identifiers
  ) -> [PlannedPartition]? {
    let found = disk.contents.partitions.sorted { $0.start < $1.start }
    guard found.count == roles.count else { return nil }
    var partitions: [PlannedPartition] = []
    var free = LayoutPlanner.alignment
    for (partition, role) in zip(found, roles) {
      guard partition.uuid == identifiers.partition(role), partition.type == role.typeGUID,
        partition.start >= free, partition.start % LayoutPlanner.alignment == 0,
        partition.size % LayoutPlanner.alignment == 0, partition.size <= disk.size,
        partition.start <= disk.size - partition.size, (1...128).contains(partition.number)
      else { return nil }
      free = partition.start + partition.size
      partitions.append(
        PlannedPartition(
          number: partition.number, role: role, start: partition.start, size: partition.size,
          typeGUID: role.typeGUID, name: role.partitionName, uuid: partition.uuid ?? ""))
    }
    let areUsable = partitions.allSatisfy { partition in
      switch partition.role {
      case .bios: true
      case .esp: partition.size >= LayoutPlanner.espSize / 4
      case .system: partition.size >= LayoutPlanner.systemFloor
      case .data: partition.size >= LayoutPlanner.dataFloor
      }
    }
    return free <= LayoutPlanner.usableEnd(disk) && areUsable ? partitions : nil
  }
}
