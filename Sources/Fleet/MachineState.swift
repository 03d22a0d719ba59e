/// Where a machine stands on its way from bare metal to node.
public enum MachineState: String, Codable, Sendable, CaseIterable {
  /// Seen on the network and known by its inventory; nobody has approved it.
  case discovered
  /// An operator knows it; no install is armed.
  case approved
  /// One install may start, within the time that ``Machine/armedUntil`` names.
  case armed
  /// It has fetched the install script.
  case booting
  /// Its agent has claimed the machine and has its task.
  case installing
  /// The agent reported the end of the install; the node has not yet reported from its own disk.
  case installed
  /// The node reported with its own key.
  case active
  /// The last install ended with an error.
  case failed
  /// Something is wrong that a person has to look at.
  case frozen
}

/// What may happen to a machine, and so change its state.
public enum MachineTransition: String, Codable, Sendable, CaseIterable {
  case approve, arm, disarm, boot, install, finish, report, fail, freeze

  /// The state that follows, or nil where this can not happen in `state`.
  public func next(from state: MachineState) -> MachineState? {
    switch self {
    case .approve: state == .discovered || state == .frozen || state == .failed ? .approved : nil
    case .arm: [.approved, .armed, .booting, .failed].contains(state) ? .armed : nil
    case .disarm: [.armed, .booting].contains(state) ? .approved : nil
    case .boot: [.armed, .booting].contains(state) ? .booting : nil
    case .install: [.armed, .booting, .installing].contains(state) ? .installing : nil
    case .finish: state == .installing ? .installed : nil
    case .report: state == .installed || state == .active ? .active : nil
    case .fail: [.armed, .booting, .installing].contains(state) ? .failed : nil
    case .freeze: .frozen
    }
  }
}
