import AgentProtocol
import Foundation

/// The disks that the operator consented to erase.
public struct WipeOrder: Codable, Sendable, Equatable {
  public var identifier: String
  public var disks: [WipeDisk]
  public var grantedAt: Date
}

/// `machine wipe`
public struct WipeRequest: Codable, Sendable {
  /// Serial numbers, or stable ids, of disks that the machine has.
  public var disks: [String]
  /// The node gets the order to start from the network.
  public var now: Bool = false
  /// Seconds for which the wipe stays armed.
  public var window: TimeInterval = 3600

  public init(disks: [String]) { self.disks = disks }
}
