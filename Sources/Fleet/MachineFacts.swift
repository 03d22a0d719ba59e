public import AgentProtocol
import DiskLayout
import Foundation
public import NetworkAddress

/// What a machine consists of, without what is written on its disks: what can be compared from one boot to the next.
public struct MachineFacts: Codable, Sendable, Hashable {
  public struct Interface: Codable, Sendable, Hashable {
    public var mac: MACAddress
    public var name: String
    public var hasLink: Bool
    public var speedMegabits: Int?
  }

  public struct DiskFacts: Codable, Sendable, Hashable {
    /// The stable name.
    public var id: String
    public var serial: String?
    public var model: String?
    /// Bytes.
    public var size: UInt64
    public var bus: String
    public var smart: SmartHealth?
    public var read: ReadTestResult?

    /// A serial number says that it is the same disk, wherever it is plugged in.
    var identity: String { serial ?? id }
    var title: String { serial.map { "\(id) (serial \($0))" } ?? id }
  }

  /// Bytes.
  public var memory: UInt64
  public var processor: String
  public var threads: Int
  public var firmwareKind: String
  public var firmwareVendor: String?
  public var firmwareVersion: String?
  public var secureBoot: String
  public var interfaces: [Interface]
  public var disks: [DiskFacts]

  /// At most so many disks and interfaces are kept of what an agent says.
  static let limit = 256

  /// - Parameter former: the facts before, whose examinations still hold for disks that are there.
  init(_ inventory: MachineInventory, former: MachineFacts? = nil) {
    memory = inventory.memoryBytes
    processor = displayable(inventory.processor.model ?? inventory.processor.architecture, limit: 100)
    threads = inventory.processor.threads
    firmwareKind = inventory.firmware.kind.rawValue
    firmwareVendor = inventory.firmware.vendor.map { displayable($0, limit: 100) }
    firmwareVersion = inventory.firmware.version.map { displayable($0, limit: 100) }
    secureBoot = inventory.firmware.secureBoot.rawValue
    interfaces = inventory.interfaces.prefix(Self.limit).map {
      Interface(
        mac: $0.mac, name: displayable($0.name, limit: 32), hasLink: $0.hasLink, speedMegabits: $0.speedMegabits)
    }.sorted { $0.mac < $1.mac }
    disks = inventory.disks.disks.filter(\.isExamined).prefix(Self.limit).map { disk in
      var facts = DiskFacts(
        id: displayable(disk.id, limit: 200), serial: disk.serial.map { displayable($0, limit: 100) },
        model: disk.model.map { displayable($0, limit: 100) }, size: disk.size, bus: disk.bus.rawValue)
      let before = former?.disks.first { $0.identity == facts.identity }
      (facts.smart, facts.read) = (before?.smart, before?.read)
      return facts
    }.sorted { $0.id < $1.id }
  }

  /// Takes over what an examination found; a disk that is not among these facts is left out.
  mutating func take(_ report: ExaminedReport) {
    for found in report.disks.prefix(ExaminedReport.limit) {
      guard let index = disks.firstIndex(where: { $0.id == found.disk && $0.serial == found.serial }) else { continue }
      disks[index].smart = found.smart?.checked ?? disks[index].smart
      disks[index].read = found.read?.checked ?? disks[index].read
    }
  }

  /// Fills in examinations of disks that were never examined before, where nothing is wrong with them.
  /// - Returns: whether anything was filled in.
  mutating func adopt(_ new: MachineFacts) -> Bool {
    var isChanged = false
    for index in disks.indices {
      guard let found = new.disks.first(where: { $0.identity == disks[index].identity }) else { continue }
      if disks[index].smart == nil, let smart = found.smart, smart.verdict != .failing {
        (disks[index].smart, isChanged) = (smart, true)
      }
      if disks[index].read == nil, let read = found.read, read.faults.isEmpty, read.refusal == nil {
        (disks[index].read, isChanged) = (read, true)
      }
    }
    return isChanged
  }
}

extension SmartHealth {
  fileprivate var checked: SmartHealth {
    var health = self
    health.reason = reason.map { displayable($0, limit: 300) }
    return health
  }
}

extension ReadTestResult {
  fileprivate var checked: ReadTestResult {
    var result = self
    result.refusal = refusal.map { displayable($0, limit: 300) }
    result.faults = faults.prefix(ReadTestResult.faultLimit).map {
      ReadFault(offset: $0.offset, error: displayable($0.error, limit: 100))
    }
    return result
  }
}
