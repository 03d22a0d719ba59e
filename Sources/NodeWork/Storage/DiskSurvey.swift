public import AgentProtocol
public import DiskLayout

/// Tells which disks a machine has, and how they fare. Nothing is written.
public protocol DiskSurvey: Sendable {
  func disks() -> [Disk]
  func health(of disk: Disk) async -> SmartHealth
}

/// A disk and its health.
public struct DiskState: Sendable, Hashable, Codable {
  public var id: String
  public var serial: String?
  public var model: String?
  public var bytes: UInt64
  public var smart: SmartHealth

  var findings: [NodeAlarm] {
    var found: [NodeAlarm] = []
    func add(_ aspect: String, _ text: String) {
      found.append(NodeAlarm(subject: "disk \(id): \(aspect)", text: text))
    }
    if smart.verdict == .failing {
      add("failing", "the disk \(id) is failing: \(smart.reason ?? "SMART says so"); replace it")
    }
    if let pending = smart.pendingSectors, pending > 0 {
      add("sectors", "the disk \(id) has \(pending) sectors that can not be read; see to a replacement")
    }
    if let percentage = smart.percentageUsed, percentage >= 100 {
      add("endurance", "the disk \(id) has outlived its rated endurance (\(percentage) %); see to a replacement")
    }
    return found
  }
}

extension DiskSurvey {
  func states() async -> [DiskState] {
    var states: [DiskState] = []
    for disk in disks() where disk.size > 0 && !disk.isRemovable {
      states.append(
        DiskState(
          id: disk.id, serial: disk.serial, model: disk.model, bytes: disk.size, smart: await health(of: disk)))
    }
    return states
  }
}
