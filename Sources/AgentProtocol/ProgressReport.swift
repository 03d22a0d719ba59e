/// The parts of an install, in their order.
public enum InstallStep: String, Hashable, Sendable, Codable, CaseIterable {
  case claim, inventory, waiting, comparison, disks, closure, bootLoader, handOff, finishing

  /// For people.
  public var title: String {
    switch self {
    case .claim: "claim"
    case .inventory: "inventory"
    case .waiting: "waiting"
    case .comparison: "comparing with the record"
    case .disks: "disks"
    case .closure: "copying the system"
    case .bootLoader: "boot loader"
    case .handOff: "hand-off"
    case .finishing: "finishing"
    }
  }
}

/// Where the agent is.
public struct ProgressReport: Hashable, Sendable, Codable {
  public var step: InstallStep
  /// 0 to 1 within the step, where that is known.
  public var fraction: Double?
  public var detail: String
  /// New lines of the agent's log since the last report, at most 200.
  public var logLines: [String]

  public init(step: InstallStep, fraction: Double? = nil, detail: String, logLines: [String] = []) {
    self.step = step
    self.fraction = fraction
    self.detail = detail
    self.logLines = logLines
  }
}

/// The install can not go on. The agent stays and asks for a task: `reboot` or `install` again.
public struct FailedReport: Hashable, Sendable, Codable {
  public var step: InstallStep
  /// What was wrong, where, and what to do.
  public var error: String
  /// The last lines of the agent's log, at most 200.
  public var logLines: [String]

  public init(step: InstallStep, error: String, logLines: [String]) {
    self.step = step
    self.error = error
    self.logLines = logLines
  }
}
