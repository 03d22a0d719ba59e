/// Erase disks of a machine that is given away, each by the operator's consent for it.
public struct WipeTask: Hashable, Sendable, Codable {
  public var identifier: String
  public var disks: [WipeDisk]

  public init(identifier: String, disks: [WipeDisk]) {
    self.identifier = identifier
    self.disks = disks
  }
}

public struct WipeDisk: Hashable, Sendable, Codable {
  /// The stable name.
  public var identifier: String
  /// The disk has to carry this one, where there is one.
  public var serial: String?

  public init(identifier: String, serial: String?) {
    self.identifier = identifier
    self.serial = serial
  }
}

/// All disks of a ``WipeTask`` are erased.
public struct WipedReport: Hashable, Sendable, Codable {
  public var task: String
  /// Stable names, each with how it was erased: `discard`, `zero`, `signatures`.
  public var disks: [String: String]

  public init(task: String, disks: [String: String]) {
    self.task = task
    self.disks = disks
  }
}
