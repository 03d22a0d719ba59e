/// What a running node is to change to.
public struct RolloutOrder: Hashable, Sendable, Codable {
  /// The same in every answer until the node has told how it ended.
  public var identifier: String
  /// The store path of the system.
  public var closure: String
  /// `NAME:BASE64`; a path that none of them signed is refused.
  public var cachePublicKeys: [String]
  /// The binary cache's path on the appliance, such as `/cache`.
  public var cachePath: String
  /// systemd units that have to be active in the new system.
  public var units: [String]
  /// Seconds in which the new system has to prove itself, ``healthRange``.
  public var healthSeconds: Int

  public static let healthRange = 10...3600
  public static let defaultHealthSeconds = 300

  public init(
    identifier: String, closure: String, cachePublicKeys: [String], cachePath: String = "/cache", units: [String] = [],
    healthSeconds: Int = RolloutOrder.defaultHealthSeconds
  ) {
    self.identifier = identifier
    self.closure = closure
    self.cachePublicKeys = cachePublicKeys
    self.cachePath = cachePath
    self.units = units
    self.healthSeconds = healthSeconds
  }

  /// The characters of a unit's name (systemd.unit(5)), with a type behind a dot; never an option of a command.
  public static func isUnitName(_ text: String) -> Bool {
    guard text.utf8.count <= 255, let dot = text.utf8.lastIndex(of: UInt8(ascii: ".")) else { return false }
    let stem = text.utf8[..<dot]
    let type = text.utf8[text.utf8.index(after: dot)...]
    guard !stem.isEmpty, stem.first != UInt8(ascii: "-"), !type.isEmpty else { return false }
    return stem.allSatisfy(isUnitCharacter) && type.allSatisfy { (UInt8(ascii: "a")...UInt8(ascii: "z")).contains($0) }
  }

  private static func isUnitCharacter(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
      UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: ":"), UInt8(ascii: "-"), UInt8(ascii: "_"),
      UInt8(ascii: "."), UInt8(ascii: "\\"), UInt8(ascii: "@"):
      true
    default: false
    }
  }
}

/// How far a node is with a ``RolloutOrder``; in every report, until it gets another order.
public struct RolloutReport: Hashable, Sendable, Codable {
  public enum State: String, Hashable, Sendable, Codable {
    /// The closure comes into the store; nothing else has changed.
    case fetching
    /// The new system was started and has yet to prove itself, or the old one is put back.
    case switching
    /// The new system runs and is what the machine boots.
    case succeeded
    /// The old system runs again, and is what the machine boots.
    case rolledBack = "rolled back"
    /// The old system was never left.
    case failed
  }

  public var order: String
  public var state: State
  /// Why it did not succeed.
  public var reason: String?

  public init(order: String, state: State, reason: String? = nil) {
    self.order = order
    self.state = state
    self.reason = reason
  }
}
