import AgentProtocol
import Fleet
import Foundation

/// A machine's facts for people.
enum FactsText {
  static func facts(_ answer: FactsAnswer) -> String {
    guard let newest = answer.records.first else {
      return "nothing is known of \(answer.machine) yet: boot it from the network, or with a boot kit"
    }
    var lines = ["\(answer.machine), seen \(date(newest.at))\(newest.isAccepted ? ", accepted" : "")"]
    let facts = newest.facts
    func add(_ title: String, _ text: String) {
      lines.append(title.padding(toLength: 11, withPad: " ", startingAt: 0) + text)
    }
    add("memory", byteText(facts.memory))
    add("processor", "\(facts.processor), \(facts.threads) threads")
    let version = [facts.firmwareVendor, facts.firmwareVersion].compactMap { $0 }.joined(separator: " ")
    add("firmware", "\(facts.firmwareKind)\(version.isEmpty ? "" : " \(version)"), Secure Boot \(facts.secureBoot)")
    for interface in facts.interfaces {
      let speed = interface.speedMegabits.map { ", \($0) Mbit/s" } ?? ""
      add("nic", "\(interface.mac) \(interface.name), \(interface.hasLink ? "link\(speed)" : "no link")")
    }
    for disk in facts.disks {
      let serial = disk.serial.map { "serial \($0)" } ?? "no serial number"
      add("disk", "\(disk.id), \(byteText(disk.size)) \(disk.bus), \(serial)")
      if let smart = disk.smart { add("", "  SMART: " + text(of: smart)) }
      if let read = disk.read { add("", "  read test: " + text(of: read)) }
    }
    return (lines + standing(answer.standing)).joined(separator: "\n")
  }

  static func differences(_ answer: FactsAnswer) -> String {
    var lines: [String] = []
    if let accepted = answer.records.first(where: \.isAccepted) {
      lines.append("against the facts of \(date(accepted.at)), which are accepted:")
      lines +=
        answer.standing.drift.isEmpty
        ? ["  no difference"] : answer.standing.drift.map { "  [\($0.hold.rawValue)] \($0)" }
    }
    for record in answer.records.dropLast() {
      lines.append("\(date(record.at))\(record.isAccepted ? ", accepted" : ""):")
      lines += record.changes.isEmpty ? ["  counters only"] : record.changes.map { "  \($0)" }
    }
    if let first = answer.records.last { lines.append("\(date(first.at)): first of \(answer.records.count) records") }
    if answer.records.isEmpty { lines.append("nothing is known of \(answer.machine) yet") }
    return (lines + standing(answer.standing, withDrift: false)).joined(separator: "\n")
  }

  /// Lines for `machine show` and `machine facts`.
  static func standing(_ standing: HardwareStanding, withDrift: Bool = true) -> [String] {
    var lines: [String] = []
    if withDrift { lines += standing.drift.map { "drift      \($0)" } }
    if !standing.holdOn.isEmpty {
      lines.append("hold on    " + standing.holdOn.map(\.rawValue).joined(separator: ", "))
    }
    if let held = standing.held { lines.append("held       \(held)") }
    if !standing.wanted.isEmpty {
      lines.append("examine    " + standing.wanted.map(\.rawValue).joined(separator: ", ") + ", when its agent waits")
    }
    return lines
  }

  private static func text(of smart: SmartHealth) -> String {
    var parts = [smart.verdict.rawValue]
    if let reason = smart.reason { parts.append(reason) }
    for (title, count) in [
      ("reallocated sectors", smart.reallocatedSectors), ("pending", smart.pendingSectors),
      ("unreadable", smart.uncorrectableSectors), ("media errors", smart.mediaErrors),
      ("% used", smart.percentageUsed), ("% spare", smart.availableSpare), ("hours on", smart.powerOnHours),
    ] {
      if let count { parts.append("\(count) \(title)") }
    }
    return parts.joined(separator: ", ")
  }

  private static func text(of read: ReadTestResult) -> String {
    if let refusal = read.refusal { return "not possible: \(refusal)" }
    var text = "\(byteText(read.bytesRead)) in \(String(format: "%.1f", read.seconds)) s"
    if read.isCut { text += ", cut short" }
    let faults = read.faults.map { "\($0.error) at byte \($0.offset)" }
    return text + (faults.isEmpty ? ", no fault" : "; " + faults.joined(separator: "; "))
  }

  private static func date(_ date: Date) -> String { date.formatted(.iso8601) }
}
