import AgentProtocol
import Foundation

/// One difference between two times at which a machine was looked at.
public struct FactsChange: Codable, Sendable, Hashable, CustomStringConvertible {
  /// Which policy it concerns.
  public var hold: HardwareHold
  /// One plain sentence.
  public var text: String

  public var description: String { text }
}

/// What may hold an install until the operator has looked at it.
public enum HardwareHold: String, Codable, Sendable, CaseIterable, Hashable {
  /// Parts that are gone, new, smaller or slower.
  case drift
  /// A disk that says that it is failing, or whose count of bad sectors rose.
  case smart
  /// A disk that could not be read everywhere.
  case readTest = "read-test"

  var check: HardwareCheck? {
    switch self {
    case .drift: nil
    case .smart: .smart
    case .readTest: .readTest
    }
  }
}

extension MachineFacts {
  /// What is different now from `before`.
  public func changes(since before: MachineFacts) -> [FactsChange] {
    boardChanges(since: before) + interfaceChanges(since: before) + diskChanges(since: before)
  }

  private func drift(_ text: String) -> FactsChange { FactsChange(hold: .drift, text: text) }

  private func boardChanges(since before: MachineFacts) -> [FactsChange] {
    var changes: [FactsChange] = []
    // Kernels reserve a little more or less of the same memory.
    if max(memory, before.memory) - min(memory, before.memory) > max(memory, before.memory) / 32 {
      changes.append(
        drift(
          "memory is \(Self.size(memory)), \(memory < before.memory ? "less" : "more") than \(Self.size(before.memory))"
        ))
    }
    if processor != before.processor || threads != before.threads {
      changes.append(
        drift("processor is \(processor) (\(threads) threads), was \(before.processor) (\(before.threads) threads)"))
    }
    func compare(_ what: String, _ now: String?, _ then: String?) {
      if now != then { changes.append(drift("\(what) is \(now ?? "unknown"), was \(then ?? "unknown")")) }
    }
    compare("firmware kind", firmwareKind, before.firmwareKind)
    compare("firmware vendor", firmwareVendor, before.firmwareVendor)
    compare("firmware version", firmwareVersion, before.firmwareVersion)
    compare("Secure Boot", secureBoot, before.secureBoot)
    return changes
  }

  private func interfaceChanges(since before: MachineFacts) -> [FactsChange] {
    var changes: [FactsChange] = []
    for interface in before.interfaces where !interfaces.contains(where: { $0.mac == interface.mac }) {
      changes.append(drift("network card \(interface.mac) (\(interface.name)) is gone"))
    }
    for interface in interfaces {
      guard let former = before.interfaces.first(where: { $0.mac == interface.mac }) else {
        changes.append(drift("network card \(interface.mac) (\(interface.name)) is new"))
        continue
      }
      if former.hasLink, !interface.hasLink {
        changes.append(drift("network card \(interface.mac) has no link any more"))
      } else if let now = interface.speedMegabits, let then = former.speedMegabits, now < then {
        changes.append(drift("network card \(interface.mac) runs at \(now) Mbit/s, slower than \(then) Mbit/s"))
      }
    }
    return changes
  }

  private func diskChanges(since before: MachineFacts) -> [FactsChange] {
    var changes: [FactsChange] = []
    for disk in before.disks where !disks.contains(where: { $0.identity == disk.identity }) {
      if let other = disks.first(where: { $0.id == disk.id }) {
        changes.append(
          drift(
            "disk \(disk.id) has serial \(other.serial ?? "none"), was \(disk.serial ?? "none"): it is another disk"))
      } else {
        changes.append(drift("disk \(disk.title) is gone"))
      }
    }
    for disk in disks {
      let former = before.disks.first { $0.identity == disk.identity }
      if let former {
        if former.size != disk.size {
          changes.append(drift("disk \(disk.title) has \(Self.size(disk.size)), had \(Self.size(former.size))"))
        }
        if former.model != disk.model {
          changes.append(
            drift("disk \(disk.title) is a \(disk.model ?? "nameless one"), was \(former.model ?? "nameless")"))
        }
      } else if !before.disks.contains(where: { $0.id == disk.id }) {
        changes.append(drift("disk \(disk.title), \(Self.size(disk.size)), is new"))
      }
      changes += disk.healthChanges(since: former)
    }
    return changes
  }

  static func size(_ bytes: UInt64) -> String {
    let gibibytes = Double(bytes) / Double(1 << 30)
    return gibibytes >= 1 ? String(format: "%.1f GiB", gibibytes) : "\(bytes >> 20) MiB"
  }
}

extension MachineFacts.DiskFacts {
  fileprivate func healthChanges(since former: Self?) -> [FactsChange] {
    var changes: [FactsChange] = []
    if let smart {
      let before = former?.smart
      if smart.verdict == .failing, before?.verdict != .failing || before?.reason != smart.reason {
        changes.append(
          FactsChange(hold: .smart, text: "disk \(title) is failing: \(smart.reason ?? "no reason given")"))
      }
      if smart.verdict == .notAvailable, before?.verdict == .passed {
        changes.append(FactsChange(hold: .smart, text: "disk \(title) gives no SMART verdict any more"))
      }
      for (name, now, then) in [
        ("reallocated sectors", smart.reallocatedSectors, before?.reallocatedSectors),
        ("sectors waiting to be reallocated", smart.pendingSectors, before?.pendingSectors),
        ("unreadable sectors", smart.uncorrectableSectors, before?.uncorrectableSectors),
        ("media errors", smart.mediaErrors, before?.mediaErrors),
      ] {
        if let now, let then, now > then {
          changes.append(FactsChange(hold: .smart, text: "disk \(title) has \(now) \(name), had \(then)"))
        }
      }
    }
    if let read, read != former?.read {
      let known = Set(former?.read?.faults.map(\.offset) ?? [])
      let faults = read.faults.filter { !known.contains($0.offset) }
      if let first = faults.first {
        let more = faults.count > 1 ? ", and \(faults.count - 1) more" : ""
        changes.append(
          FactsChange(
            hold: .readTest, text: "disk \(title) can not be read at byte \(first.offset) (\(first.error))\(more)"))
      }
      if let refusal = read.refusal, refusal != former?.read?.refusal {
        changes.append(FactsChange(hold: .readTest, text: "disk \(title) could not be read at all: \(refusal)"))
      }
    }
    return changes
  }
}
