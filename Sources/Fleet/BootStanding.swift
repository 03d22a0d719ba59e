import BootDecision
import Foundation
import GRDB

/// The columns of a machine that its next boot depends on: the directory reads them after each change, and the
/// inventories of all machines would make that slow.
struct BootStanding: Codable, FetchableRecord, TableRecord {
  static let databaseTableName = Machine.databaseTableName
  static var databaseSelection: [any SQLSelectable] {
    ["id", "name", "state", "reason", "quirks", "nextBoot", "blocked", "armedUntil", "bootsWithoutReport"].map {
      Column($0)
    }
  }

  var id: Int64
  var name: MachineName
  var state: MachineState
  var reason: String?
  var quirks: MachineQuirks
  var nextBoot: OneTimeBoot?
  var blocked: Bool
  var armedUntil: Date?
  var bootsWithoutReport: [Date]

  init(_ machine: Machine) {
    id = machine.id ?? 0
    name = machine.name
    state = machine.state
    reason = machine.reason
    quirks = machine.quirks
    nextBoot = machine.nextBoot
    blocked = machine.blocked
    armedUntil = machine.armedUntil
    bootsWithoutReport = machine.bootsWithoutReport
  }
}
