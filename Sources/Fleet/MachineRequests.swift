import AgentProtocol
import BootDecision
import DiskLayout
import Foundation
import NetworkAddress

/// What `machine list` and `machine show` tell of one machine.
public struct MachineDetail: Codable, Sendable {
  public var machine: Machine
  public var addresses: [MACAddress]
  /// Serial numbers, or stable ids, of disks that may be erased for this machine.
  public var consents: [String]
  /// The short code that the waiting agent shows on the machine's screen.
  public var code: ShortCode?
  public var agentLastSeen: Date?
  /// When the states of its disks were saved that are kept, oldest first.
  public var saved: [Date]
  /// Why its next boot is held at the menu.
  public var hold: String?
  /// Drift, and what it holds.
  public var hardware: HardwareStanding
  /// The last build of its system that was published.
  public var build: RecordedBuild?
  /// The newest order to change its system.
  public var rollout: Rollout?
  /// Stacks on their way from it or to it.
  public var moves: [StackMove]
  /// What its node says is to be seen to, the oldest first.
  public var alarms: [MachineAlarm]
}

/// `machine add`
public struct AddMachine: Codable, Sendable {
  public var name: MachineName
  public var addresses: [MACAddress]
  public var uuid: SystemUUID?
  public var role: String?
  public var stacks: [String] = []
  public var closure: String?
  public var image: String?
  public var layout: LayoutSpec
  public var consents: [String] = []
  /// No install begins before the operator has compared the short code.
  public var comparesCode: Bool = false
  /// Seconds for which the first install stays armed.
  public var window: TimeInterval = 7 * 86_400

  public init(name: MachineName, addresses: [MACAddress], layout: LayoutSpec) {
    (self.name, self.addresses, self.layout) = (name, addresses, layout)
  }
}

/// `machine approve`
public struct ApproveMachine: Codable, Sendable {
  /// The short code as the operator read it from the machine's screen.
  public var code: String?
  public var rename: MachineName?
  public var role: String?
  public var stacks: [String] = []
  public var closure: String?
  public var layout: LayoutSpec?
  public var consents: [String] = []
  /// Seconds for which the install stays armed.
  public var window: TimeInterval = 3600
  /// The machine that asks is the recorded one, whatever the evidence.
  public var acceptsHardware: Bool = false

  public init() {}
}

/// `machine set`: only what is given changes; an empty text clears.
public struct SetMachine: Codable, Sendable {
  public var addAddresses: [MACAddress] = []
  public var removeAddresses: [MACAddress] = []
  public var uuid: String?
  public var role: String?
  public var stacks: [String]?
  public var closure: String?
  public var image: String?
  public var layout: LayoutSpec?
  public var quirks: MachineQuirks?
  public var nextBoot: String?
  public var blocked: Bool?
  /// What may hold an install; empty for nothing.
  public var holdOn: [HardwareHold]?

  public init() {}

  func apply(to machine: inout Machine) throws {
    if let uuid {
      if uuid.isEmpty {
        (machine.uuid, machine.uuidGiven) = (nil, false)
      } else {
        try machine.give(SystemUUID(uuid))
      }
    }
    if let role { machine.role = role.isEmpty ? nil : try checkedRoles(role) }
    if let stacks { machine.stacks = try stacks.map { try checkedName($0, field: "stack") } }
    if let closure { machine.closure = closure.isEmpty ? nil : try checkedClosure(closure) }
    if let image { machine.image = image.isEmpty ? nil : try checkedImage(image) }
    if let layout { machine.layout = layout }
    if let quirks { machine.quirks = quirks }
    if let blocked { machine.blocked = blocked }
    if let nextBoot {
      guard nextBoot.isEmpty || OneTimeBoot(rawValue: nextBoot) != nil else {
        throw FleetError.invalidValue(field: "next-boot", reason: "'\(nextBoot)' is not 'rescue' or empty")
      }
      machine.nextBoot = OneTimeBoot(rawValue: nextBoot)
    }
  }
}

extension Machine {
  /// Takes a UUID that the operator gave: no machine with another one is installed.
  mutating func give(_ uuid: SystemUUID) throws {
    guard !uuid.isPlaceholder else {
      throw FleetError.invalidValue(
        field: "uuid", reason: "\(uuid) is a placeholder that many boards share, and tells no machine from another")
    }
    (self.uuid, uuidGiven) = (uuid, true)
  }
}
