import AgentProtocol
import DiskLayout
import Foundation
import GRDB
import NetworkAddress

extension Fleet {
  /// Whether the machine that asks is the recorded one: nothing begins on another.
  /// - Returns: what the agent does instead, or nil where there is no doubt.
  func doubt(_ machine: inout Machine, code: String, in database: Database, now: Date) throws -> AgentTask? {
    guard let inventory = machine.inventory else { return nil }
    var refusal: String?
    if !machine.acceptsHardware {
      let disks = machine.rebuild?.task.disks.flatMap { [$0.identifier] + ($0.serial.map { [$0] } ?? []) } ?? []
      refusal = try machine.evidence?.refusal(
        of: inventory, addresses: addresses(of: machine, in: database), disks: Set(disks))
      if machine.uuidGiven, let uuid = machine.uuid, inventory.product.uuid != uuid,
        machine.rebuild?.replacesAddress != true
      {
        refusal =
          "this is not the machine that was added: UUID expected \(uuid), "
          + "found \(inventory.product.uuid?.description ?? "none")"
      }
    }
    if machine.evidenceRefusal != refusal {
      machine.evidenceRefusal = refusal
      try machine.update(database)
      if let refusal { try record(refusal, of: machine, kind: "refusal", in: database, now: now) }
    }
    return refusal.map {
      .wait(
        reason: "\($0). If it is that machine nevertheless: bootstead machine approve \(machine.name) --code \(code)",
        seconds: 5)
    }
  }
}

extension RebuildOrder {
  /// What to say where the machine comes without a disk that the rebuild is to find; nil where all are there.
  package func missing(in inventory: DiskInventory, name: MachineName) -> String? {
    let missing = task.disks.filter { record in
      !inventory.disks.contains { disk in
        disk.id == record.identifier || disk.aliases.contains(record.identifier) || disk.serial == record.identifier
          || (record.serial != nil && disk.serial == record.serial)
          // A disk at another controller has another name.
          || (record.partitionTableUUID != nil
            && disk.contents.table?.uuid == record.partitionTableUUID?.lowercased())
      }
    }
    guard let first = missing.first else { return nil }
    let expected = missing.map { "\($0.identifier) (\($0.serial.map { "serial \($0)" } ?? "no serial number"))" }
    let found = inventory.disks.map(\.summary)
    return "The machine comes without \(missing.count == 1 ? "a disk" : "disks") that it is to have: expected "
      + "\(expected.joined(separator: ", ")), found \(found.isEmpty ? "no disk" : found.joined(separator: "; ")). "
      + "Nothing was changed. Put it back, or say what is in its place: bootstead rebuild \(name) --replace-disk "
      + "\(first.serial ?? first.identifier)=NEW."
  }
}
