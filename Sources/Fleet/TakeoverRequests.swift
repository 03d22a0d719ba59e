import AgentProtocol
import DiskLayout
import Foundation
import GRDB
import NetworkAddress

/// `bootstead kexec`: the machine, which is added where it is not known, and what its inventory says where that is known.
public struct PrepareTakeover: Codable, Sendable {
  public var machine: AddMachine
  /// From the agent in the old system, over SSH; nil where a token is carried there by hand.
  public var inventory: MachineInventory?
  /// A layout that was asked for now; nil leaves a known machine's as it is.
  public var layout: LayoutSpec?

  public init(machine: AddMachine, inventory: MachineInventory? = nil, layout: LayoutSpec? = nil) {
    (self.machine, self.inventory, self.layout) = (machine, inventory, layout)
  }
}

/// What would be written where, before anything is decided.
public struct TakeoverPreview: Codable, Sendable {
  /// The plan in words; nil where there is none.
  public var plan: String?
  /// The serial number of the disk that it takes.
  public var disk: String?
  /// Why there is no plan.
  public var refusal: String?

  public init(plan: String? = nil, disk: String? = nil, refusal: String? = nil) {
    (self.plan, self.disk, self.refusal) = (plan, disk, refusal)
  }
}

/// A machine that may be taken over, once, and the token that does it.
public struct TakeoverOffer: Codable, Sendable {
  public var machine: MachineDetail
  /// A secret; the appliance keeps its hash alone.
  public var token: String
  public var expiresAt: Date
}

/// What a take-over boots with.
public struct TakeoverBoot: Sendable {
  public var machine: MachineName
  /// The boot image's name; nil means the default.
  public var image: String?
  public var nonce: BootNonce
}

/// A token as it is kept.
struct TakeoverRecord: Codable, FetchableRecord, PersistableRecord {
  static let databaseTableName = "takeover"

  var identifier: String
  var machine: Int64
  var proofKey: Data
  var expiresAt: Date
  var attempt: String?
  var nonce: String?
  var step: Int = 0
}
