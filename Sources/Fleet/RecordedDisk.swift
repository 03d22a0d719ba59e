import AgentProtocol
import DiskLayout

/// A disk as the last finished install left it, with what the inventory and the plan say of it.
struct RecordedDisk {
  var record: InstalledDisk
  var names: Set<String>
  /// Bytes.
  var size: UInt64?
  var isSystem: Bool

  var serial: String? { record.serial }
  var holdsData: Bool { record.volumeGroupUUID != nil }
  /// How the operator names it.
  var consentName: String { record.serial ?? record.identifier }

  var summary: String {
    let parts = [
      record.identifier, size.map(ByteSize.text), record.serial.map { "serial \($0)" } ?? "no serial number",
    ]
    return parts.compactMap { $0 }.joined(separator: ", ")
  }

  static func all(of machine: Machine) -> [RecordedDisk] {
    var records = machine.installedDisks ?? []
    if records.isEmpty, let plan = machine.plan {
      records = plan.tables.map { InstalledDisk(identifier: $0.disk.recordedName, serial: $0.disk.serial) }
    }
    return records.map { record in
      let present = machine.inventory?.disks.disks.first {
        $0.id == record.identifier || $0.aliases.contains(record.identifier) || $0.serial == record.identifier
      }
      let planned = machine.plan.flatMap { plan in
        plan.tables.map(\.disk).first {
          [$0.id, $0.recordedName, $0.serial].contains(record.identifier)
        }
      }
      var complete = record
      complete.serial = record.serial ?? planned?.serial ?? present?.serial
      var names: Set = [record.identifier]
      names.formUnion([complete.serial, present?.id].compactMap { $0 })
      names.formUnion(present?.aliases ?? [])
      return RecordedDisk(
        record: complete, names: names, size: planned?.size ?? present?.size,
        isSystem: planned != nil && planned?.id == machine.plan?.disk.id)
    }
  }
}
