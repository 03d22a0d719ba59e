/// Why a node did not change to another system.
public enum RolloutFailure: Error, Hashable, Sendable, CustomStringConvertible {
  case unusable(String)
  case withdrawn
  case notASystem(String)
  case noSystemd(String)
  case otherSystemRuns(String)
  case unitNotActive(unit: String, state: String)
  /// In seconds.
  case unproven(seconds: Int, reason: String)
  case restarted

  public var description: String {
    switch self {
    case .unusable(let reason): "the order can not be used: \(reason)"
    case .withdrawn: "the appliance took the order back"
    case .notASystem(let closure): "\(closure) has no bin/switch-to-configuration: it is not a NixOS system"
    case .noSystemd(let unit): "\(unit) can not be checked: this node does not run systemd"
    case .otherSystemRuns(let closure): "the node runs \(closure)"
    case .unitNotActive(let unit, let state): "\(unit) is \(state)"
    case .unproven(let seconds, let reason): "the new system was not sound within \(seconds) s: \(reason)"
    case .restarted: "the machine started anew before the new system had proved itself"
    }
  }
}
