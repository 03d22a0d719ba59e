import AgentProtocol
import BootDecision
import DiskLayout
import Foundation
import GRDB
import NetworkAddress

/// How the machine that claimed was told from an impostor.
public enum TrustLevel: String, Codable, Sendable {
  /// The operator compared the short code on the machine's screen.
  case verified
  /// Nobody compared it.
  case trustOnFirstUse = "trust on first use"
}

/// What a machine's next boot, and only that, does instead of what its state says.
public enum OneTimeBoot: String, Codable, Sendable {
  /// A shell on the machine's own consoles.
  case rescue
}

/// What the agent of a machine said last of its work.
public struct MachineProgress: Codable, Sendable, Equatable {
  public var step: String
  /// 0 to 1, where the step can tell.
  public var fraction: Double?
  public var detail: String?
  public var at: Date

  public init(step: String, fraction: Double?, detail: String?, at: Date) {
    (self.step, self.fraction, self.detail, self.at) = (step, fraction, detail, at)
  }
}

/// A machine as the registry holds it.
public struct Machine: Codable, Sendable, FetchableRecord, MutablePersistableRecord {
  public static let databaseTableName = "machine"

  public var id: Int64?
  public var name: MachineName
  /// Lasting, whatever its name and NICs: what the disks' tags and identifiers derive from.
  public var identifier: String
  /// The install that is armed, under way or done; arming makes a new one once the last was finished, so that one that
  /// failed goes on where it was.
  public var install: String
  public var finishedInstall: String?
  /// No install begins before the operator has compared the short code.
  public var comparesCode: Bool = false
  public internal(set) var state: MachineState
  /// Why it failed, is frozen or is held.
  public var reason: String?
  public var uuid: SystemUUID?
  public var serial: String?
  public var product: String?
  /// Comma separated names.
  public var role: String?
  public var stacks: [String] = []
  /// The store path of the system that it is to run.
  public var closure: String?
  /// The boot image that installs it; nil means the default.
  public var image: String?
  public var layout: LayoutSpec
  public var quirks: MachineQuirks = MachineQuirks()
  /// A script for its next boot only.
  public var nextBoot: OneTimeBoot?
  /// Never answered.
  public var blocked: Bool = false
  public var trust: TrustLevel?
  public var armedUntil: Date?
  public var inventory: MachineInventory?
  public var plan: LayoutPlan?
  /// Why its install does not begin: no layout could be planned for the inventory, or its system is not for that layout.
  public var planRefusal: String?
  /// The node's own key, which signs its reports.
  public var nodeKey: SigningPublicKey?
  /// The node's age recipient.
  public var nodeRecipient: AgeRecipient?
  /// The highest counter of the node's signed reports.
  public var nodeCounter: Int64 = 0
  /// Identifiers of what the install left on the disks.
  public var installedDisks: [InstalledDisk]?
  /// The system that the node says it runs.
  public var runningClosure: String?
  /// Since when that is another one than ``closure``.
  public var driftSince: Date?
  public var progress: MachineProgress?
  /// Times of boots since the last report, for the loop breaker.
  public var bootsWithoutReport: [Date] = []
  /// The rebuild that the operator consented to, until its install ends.
  public var rebuild: RebuildOrder?
  /// The disks that the next boot erases.
  public var wipe: WipeOrder?
  /// What its last install was begun on.
  public var evidence: MachineEvidence?
  /// Why the machine that asks is not taken for the recorded one.
  public var evidenceRefusal: String?
  /// The operator said that this is the machine, whatever the evidence; until an install begins.
  public var acceptsHardware: Bool = false
  /// ``uuid`` comes from the operator, so that no other machine is installed.
  public var uuidGiven: Bool = false
  /// The order to start from the network, until the node has carried it out.
  public var networkBoot: NetworkBootOrder?
  /// Of the node's last report.
  public var bootIdentifier: String?
  public var reportedAt: Date?
  /// The data volumes before and after the last rebuild.
  public var comparison: DataComparison?
  /// The restore that was consented to with the last rebuild, and what became of it.
  public var restore: DataRestore?
  /// What is declared of its node beside roles and stacks.
  public var choices = NodeChoices()
  /// The NixOS release that it was first installed with, as `26.05`.
  public var stateVersion = Machine.currentStateVersion
  public var createdAt: Date
  public var lastSeen: Date?

  /// That of new machines.
  public static let currentStateVersion = "26.05"

  init(name: MachineName, state: MachineState, layout: LayoutSpec, createdAt: Date) {
    self.name = name
    self.identifier = UUID().uuidString.lowercased()
    self.install = UUID().uuidString.lowercased()
    self.state = state
    self.layout = layout
    self.createdAt = createdAt
  }

  public mutating func didInsert(_ inserted: InsertionSuccess) { id = inserted.rowID }
}
