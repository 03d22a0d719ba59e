/// What the agent is to do next; it asks for it until there is something else than waiting.
public enum AgentTask: Sendable, Codable {
  /// Nothing yet, ask again after so many seconds (1 to 60). The reason is shown on the consoles.
  case wait(reason: String, seconds: Int)
  case install(InstallTask)
  /// Erase disks; then ask again.
  case wipe(WipeTask)
  /// Look at the hardware; then ask again.
  case examine(ExamineTask)
  case reboot
  /// The inventory was all that was wanted: stay, and ask again now and then.
  case inventoryOnly
  /// This machine is not to be installed; the reason is shown on the consoles.
  case refuse(reason: String)

  private enum Key: String, CodingKey { case task, reason, seconds, install, wipe, examine }
  private enum Kind: String, Codable { case wait, install, wipe, examine, reboot, inventoryOnly, refuse }

  public init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: Key.self)
    switch try container.decode(Kind.self, forKey: .task) {
    case .wait:
      self = .wait(
        reason: try container.decode(String.self, forKey: .reason),
        seconds: min(60, max(1, try container.decode(Int.self, forKey: .seconds))))
    case .install: self = .install(try container.decode(InstallTask.self, forKey: .install))
    case .wipe: self = .wipe(try container.decode(WipeTask.self, forKey: .wipe))
    case .examine: self = .examine(try container.decode(ExamineTask.self, forKey: .examine))
    case .reboot: self = .reboot
    case .inventoryOnly: self = .inventoryOnly
    case .refuse: self = .refuse(reason: try container.decode(String.self, forKey: .reason))
    }
  }

  public func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: Key.self)
    switch self {
    case .wait(let reason, let seconds):
      try container.encode(Kind.wait, forKey: .task)
      try container.encode(reason, forKey: .reason)
      try container.encode(seconds, forKey: .seconds)
    case .install(let task):
      try container.encode(Kind.install, forKey: .task)
      try container.encode(task, forKey: .install)
    case .wipe(let task):
      try container.encode(Kind.wipe, forKey: .task)
      try container.encode(task, forKey: .wipe)
    case .examine(let task):
      try container.encode(Kind.examine, forKey: .task)
      try container.encode(task, forKey: .examine)
    case .reboot: try container.encode(Kind.reboot, forKey: .task)
    case .inventoryOnly: try container.encode(Kind.inventoryOnly, forKey: .task)
    case .refuse(let reason):
      try container.encode(Kind.refuse, forKey: .task)
      try container.encode(reason, forKey: .reason)
    }
  }
}
