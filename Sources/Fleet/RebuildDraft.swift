import AgentProtocol
import DiskLayout
import Foundation
import NetworkAddress

/// A rebuild as it was asked for, checked against the record: what it keeps, replaces and loses.
struct RebuildDraft {
  let machine: Machine
  let plan: LayoutPlan
  let request: RebuildRequest
  let recorded: [RecordedDisk]
  /// New names by the recorded identifier.
  private(set) var replacements: [String: String] = [:]
  private(set) var lost: [RecordedDisk] = []

  /// - Throws: ``FleetError`` with what was expected and what was found.
  init(_ machine: Machine, _ request: RebuildRequest) throws {
    let name = machine.name.text
    guard machine.finishedInstall != nil, let plan = machine.plan else {
      throw FleetError.conflict(
        "no install of '\(name)' was ever finished, so nothing is on record that a rebuild could keep; "
          + "expected a machine that was installed before, found one that is \(machine.state.rawValue): "
          + "bootstead machine approve \(name)")
    }
    self.machine = machine
    self.plan = plan
    self.request = request
    recorded = RecordedDisk.all(of: machine)
    for change in request.replaceDisks { try replace(change) }
    for disk in request.loseData { try lose(disk) }
    for disk in recorded where replacements[disk.record.identifier] != nil && disk.holdsData {
      guard !lost.contains(where: { $0.record.identifier == disk.record.identifier }) else { continue }
      throw FleetError.conflict(
        "\(disk.summary) holds the data of '\(name)' (\(groupText(disk))): with another disk in its place all of it is "
          + "lost. If it may be, add --lose-data \(disk.consentName)")
    }
    for serial in request.consents where !replacements.values.contains(serial) {
      let expected =
        replacements.isEmpty ? "no disk, as none is replaced" : replacements.values.sorted().joined(separator: ", ")
      throw FleetError.invalidValue(
        field: "wipe",
        reason: "'\(displayable(serial, limit: 80))' is no disk that this rebuild may erase; expected \(expected). "
          + "To give up recorded data: --lose-data SERIAL")
    }
  }

  private func find(_ text: String, option: String) throws -> RecordedDisk {
    let found = recorded.filter { $0.names.contains(text) }
    guard let disk = found.first, found.count == 1 else {
      throw FleetError.invalidValue(
        field: option,
        reason: "'\(displayable(text, limit: 80))' is \(found.isEmpty ? "no disk" : "not one disk") on record of "
          + "'\(machine.name)'; expected one of: \(recorded.map(\.summary).joined(separator: "; "))")
    }
    return disk
  }

  private mutating func replace(_ change: RebuildRequest.DiskReplacement) throws {
    let old = try find(change.old, option: "replace-disk")
    guard !change.new.isEmpty, change.new.utf8.count <= 200, displayable(change.new, limit: 200) == change.new else {
      throw FleetError.invalidValue(
        field: "replace-disk", reason: "'\(displayable(change.new, limit: 80))' names no disk: give a serial number")
    }
    if let same = recorded.first(where: { $0.names.contains(change.new) }) {
      throw FleetError.invalidValue(
        field: "replace-disk",
        reason:
          "'\(change.new)' is \(same.summary), which is on record of '\(machine.name)' already; expected a new disk")
    }
    guard replacements[old.record.identifier] == nil, !replacements.values.contains(change.new) else {
      throw FleetError.invalidValue(field: "replace-disk", reason: "'\(change.old)=\(change.new)' names a disk twice")
    }
    replacements[old.record.identifier] = change.new
  }

  private mutating func lose(_ text: String) throws {
    let disk = try find(text, option: "lose-data")
    guard disk.holdsData else {
      let holders = recorded.filter(\.holdsData)
      throw FleetError.invalidValue(
        field: "lose-data",
        reason: "\(disk.summary) holds no data of '\(machine.name)' on record; "
          + (holders.isEmpty
            ? "no disk of it does" : "expected one of: \(holders.map(\.summary).joined(separator: "; "))"))
    }
    lost.append(disk)
  }

  private func groupText(_ disk: RecordedDisk) -> String {
    let name = disk.record.volumeGroupName ?? plan.volumeGroup.name
    return "volume group \(name), UUID \(disk.record.volumeGroupUUID ?? "not recorded")"
  }

  var volumeGroupUUID: String? { recorded.compactMap(\.record.volumeGroupUUID).first }

  /// The order that the operator's consent for this draft makes.
  func order(digest: String, now: Date) -> RebuildOrder {
    let disks = recorded.map { disk -> InstalledDisk in
      guard let new = replacements[disk.record.identifier] else { return disk.record }
      return replacement(new)
    }
    let system = recorded.first(where: \.isSystem).flatMap { replacements[$0.record.identifier] }
    let data = plan.dataDisk.flatMap { replacements[$0.disk.recordedName] }
    func wanted(_ name: String) -> SystemDisk { RebuildDraft.isStableName(name) ? .id(name) : .serial(name) }
    let losesReplaced = lost.contains { replacements[$0.record.identifier] != nil }
    return RebuildOrder(
      task: RebuildTask(
        volumeGroupUUID: lost.isEmpty ? volumeGroupUUID : nil, tags: plan.volumeGroup.tags, disks: disks,
        fingerprint: request.fingerprint, mayRepairPool: request.mayRepairPool),
      keeping: losesReplaced ? nil : volumeGroupUUID,
      // A disk in the place of another one is erased only where --wipe names it.
      loseData: lost.filter { replacements[$0.record.identifier] == nil }.flatMap { Array($0.names).sorted() },
      systemDisk: system.map(wanted), dataDisk: data.map(wanted),
      replacesAddress: !request.replaceAddresses.isEmpty, grantedAt: now, digest: digest)
  }

  private func replacement(_ new: String) -> InstalledDisk {
    let present = machine.inventory?.disks.disks.first {
      $0.serial == new || $0.id == new || $0.aliases.contains(new)
    }
    if let present { return InstalledDisk(identifier: present.id, serial: present.serial) }
    return InstalledDisk(identifier: new, serial: RebuildDraft.isStableName(new) ? nil : new)
  }

  /// Links in `/dev/disk/by-id` begin with their bus (systemd, `60-persistent-storage.rules`); `path:` is our own.
  static func isStableName(_ text: String) -> Bool {
    ["ata-", "nvme-", "scsi-", "virtio-", "usb-", "mmc-", "wwn-", "ieee1394-", "path:"].contains {
      text.hasPrefix($0)
    }
  }

  /// - Parameter notes: what the registry knows besides.
  func preview(notes: [String]) -> RebuildPreview {
    let group = plan.volumeGroup
    let kept =
      lost.isEmpty
      ? RebuildPreview.Kept(
        volumeGroup: group.name, uuid: volumeGroupUUID, tags: group.tags,
        disks: recorded.filter(\.holdsData).map(\.record.identifier), pool: plan.pool.name,
        poolSize: plan.pool.size,
        volumes: plan.volumes.map { volume in
          let system = plan.fileSystems.first { $0.device == .volume(volume.name) }
          return .init(
            name: volume.name, size: volume.size, mountPoint: system?.mountPoint, fileSystemUUID: system?.uuid)
        }) : nil
    return RebuildPreview(
      machine: machine.name, state: machine.state, closure: request.closure ?? machine.closure,
      disks: recorded.map {
        .init(
          identifier: $0.record.identifier, serial: $0.serial, size: $0.size, isSystem: $0.isSystem,
          holdsData: $0.holdsData, replacedBy: replacements[$0.record.identifier])
      }, formatted: plan.tables.flatMap(formatted), kept: kept, lost: losses, notes: notes + ownNotes,
      minutes: Int(request.window / 60), reportedAt: machine.reportedAt)
  }

  /// What is made anew on one disk.
  private func formatted(_ table: PlannedTable) -> [String] {
    let disk = recorded.first { $0.names.contains(table.disk.recordedName) || $0.names.contains(table.disk.id) }
    let new = disk.flatMap { replacements[$0.record.identifier] }
    let isLost = lost.contains { $0.record.identifier == disk?.record.identifier }
    let on = new ?? disk?.record.identifier ?? table.disk.recordedName
    let lines = table.partitions.compactMap { partition -> String? in
      let system = plan.fileSystems.first { $0.device == .partition(partition.role) }
      let what: String
      switch partition.role {
      case .bios: what = "the boot loader of BIOS machines is written anew"
      case .esp, .system:
        what = "\(system?.type.rawValue ?? "a file system") on \(system?.mountPoint ?? "the system") is made anew"
      case .data:
        guard new != nil || isLost else { return nil }
        what = "LVM is made anew, with pool and volumes"
      }
      return "\(on), partition \(partition.number) \(partition.name), \(ByteSize.text(partition.size)): \(what)"
    }
    return new == nil ? lines : ["\(on): a new partition table; the sizes are those that fit it"] + lines
  }

  private var losses: [String] {
    lost.flatMap { disk in
      [
        "\(groupText(disk)) on \(disk.summary): pool \(plan.pool.name) of \(ByteSize.text(plan.pool.size))"
      ] + plan.volumes.map { "volume \(plan.volumeGroup.name)/\($0.name), \(ByteSize.text($0.size))" }
    }
  }

  private var ownNotes: [String] {
    var notes: [String] = []
    if lost.isEmpty, volumeGroupUUID == nil {
      notes.append("the last install recorded no UUID of the volume group; it is taken over where it carries the tags")
    }
    for disk in lost where replacements[disk.record.identifier] == nil {
      notes.append(
        "a volume group that is found on \(disk.consentName) all the same is taken over as it is; to erase it: "
          + "bootstead machine wipe \(machine.name) --disk \(disk.consentName)")
    }
    for new in replacements.values.sorted() {
      notes.append(
        request.consents.contains(new)
          ? "\(new) is erased whatever is on it" : "\(new) has to be blank; otherwise add --wipe \(new)")
    }
    if request.mayRepairPool {
      notes.append("a damaged thin pool is repaired, after its metadata was saved")
    }
    if request.fingerprint == .full { notes.append("every byte of the data is read twice for its fingerprint") }
    if request.acceptsHardware { notes.append("the machine that asks is accepted, whatever hardware it shows") }
    return notes
  }
}
