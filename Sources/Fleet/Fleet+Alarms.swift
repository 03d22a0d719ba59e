import AgentProtocol
import Foundation
import GRDB

extension Fleet {
  /// Takes what a node says of its storage and backups, with an event for each alarm that begins or ends.
  /// - Parameter reported: nil where the node does not know, or its agent does not look: nothing changes then.
  func follow(_ reported: [NodeAlarm]?, of machine: Machine, in database: Database, now: Date) throws {
    guard let reported else { return }
    // More than is kept is not even looked at: a node that was taken may send anything.
    let wanted = NodeAlarm.bounded(
      reported.prefix(NodeAlarm.limit * 2).map {
        NodeAlarm(
          subject: displayable($0.subject, limit: NodeAlarm.subjectLimit),
          text: displayable($0.text, limit: NodeAlarm.textLimit))
      })
    let known = try StoredAlarm.all(of: machine, in: database)
    for alarm in known where !wanted.contains(where: { $0.subject == alarm.subject }) {
      try alarm.delete(database)
      try record("no alarm any more: \(alarm.text)", of: machine, kind: "progress", in: database, now: now)
    }
    for alarm in wanted {
      if var before = known.first(where: { $0.subject == alarm.subject }) {
        guard before.text != alarm.text else { continue }
        before.text = alarm.text
        try before.update(database)
      } else {
        try StoredAlarm(machine: machine.id ?? 0, subject: alarm.subject, text: alarm.text, since: now).insert(database)
        try record(alarm.text, of: machine, kind: "alarm", in: database, now: now)
      }
    }
  }

  /// Those of a machine that runs; of another one they are of a system that is gone.
  func alarms(of machine: Machine, in database: Database) throws -> [MachineAlarm] {
    guard machine.state == .active else { return [] }
    return try StoredAlarm.all(of: machine, in: database).map {
      MachineAlarm(subject: $0.subject, text: $0.text, since: $0.since)
    }
  }
}
