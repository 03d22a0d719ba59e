import AgentProtocol
import Foundation

/// Which running nodes are to change their system, and what they have to prove.
public struct RolloutRequest: Codable, Sendable, Hashable {
  public var kind: Rollout.Kind
  /// Names; empty means all.
  public var machines: [String]
  /// One of them that goes first; the others wait for its success.
  public var canary: String?
  /// systemd units that have to be active in the new system.
  public var units: [String] = []
  /// Seconds in which the new system has to prove itself, `RolloutOrder.healthRange`.
  public var healthSeconds: Int = RolloutOrder.defaultHealthSeconds
  /// Of the plan that the operator consented to.
  public var digest: String?

  public init(kind: Rollout.Kind, machines: [String]) { (self.kind, self.machines) = (kind, machines) }

  func check() throws(FleetError) {
    for unit in units where !RolloutOrder.isUnitName(unit) {
      throw .invalidValue(
        field: "unit",
        reason: "'\(displayable(unit, limit: 80))' is no unit's name; expected one with its type, as caddy.service")
    }
    guard units.count <= 100 else { throw .invalidValue(field: "unit", reason: "more than 100 units") }
    guard RolloutOrder.healthRange.contains(healthSeconds) else {
      throw .invalidValue(
        field: "seconds",
        reason: "\(healthSeconds) is not from \(RolloutOrder.healthRange.lowerBound) to "
          + "\(RolloutOrder.healthRange.upperBound)")
    }
  }
}

/// What a ``RolloutRequest`` would do.
public struct RolloutPlan: Codable, Sendable, Equatable {
  public struct Step: Codable, Sendable, Equatable {
    public enum Action: String, Codable, Sendable {
      case change
      case nothing
      /// It was named, and can not be done.
      case refused
    }

    public var machine: String
    public var running: String?
    public var wanted: String?
    public var action: Action
    /// Why nothing is done.
    public var reason: String?
    /// What the node does not have yet: store paths, and bytes unpacked. Nil where the cache does not know what it runs.
    public var newPaths: Int?
    public var newBytes: UInt64?
    /// The k3s of the wanted system, as `1.34.1+k3s1`; nil where it has none, or where that is not known.
    public var kubernetes: String?
  }

  public var kind: Rollout.Kind
  public var canary: String?
  public var steps: [Step]
  /// Changes with whatever the plan was made of.
  public var digest: String
}
