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
  /// Its agent erases the disks that the operator named.
  case wiping
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
  /// Arms an install that keeps the data of a machine that was installed before.
  case rebuild
  /// Arms, begins and ends the erasing of disks.
  case armWipe = "arm a wipe"
  case wipe
  case wiped

  /// The state that follows, or nil where this can not happen in `state`.
  public func next(from state: MachineState) -> MachineState? {
    switch self {
    case .approve: state == .discovered || state == .frozen || state == .failed ? .approved : nil
    case .arm: [.approved, .armed, .booting, .failed].contains(state) ? .armed : nil
    case .disarm: [.armed, .booting].contains(state) ? .approved : nil
    case .boot: [.armed, .booting].contains(state) ? .booting : nil
    case .install: [.armed, .booting, .installing].contains(state) ? .installing : nil
    case .finish: state == .installing ? .installed : nil
    // Approved: an arming whose time was over before anything was begun; the node never stopped being one.
    case .report: [.approved, .installed, .active].contains(state) ? .active : nil
    case .fail: [.armed, .booting, .installing, .wiping].contains(state) ? .failed : nil
    case .freeze: .frozen
    // Installing: only where the agent waits because no layout can be made, see Fleet.mayRebuild.
    case .rebuild:
      [.approved, .armed, .booting, .installing, .installed, .active, .failed].contains(state) ? .armed : nil
    case .armWipe: [.approved, .armed, .booting, .installed, .active, .failed].contains(state) ? .armed : nil
    case .wipe: [.armed, .booting, .wiping].contains(state) ? .wiping : nil
    case .wiped: state == .wiping ? .approved : nil
    }
  }
}
