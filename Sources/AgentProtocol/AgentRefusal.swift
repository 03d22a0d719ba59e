/// The body of every answer with a status of 400 and above.
public struct AgentRefusal: Error, Hashable, Sendable, Codable, CustomStringConvertible {
  /// What the agent does about it stands with each.
  public enum Code: String, Hashable, Sendable, Codable {
    /// 404. No boot with this nonce, or its window is over: stay, show it, ask again slowly.
    case unknownBoot
    /// 401. The appliance has forgotten the session: begin again with the same keys.
    case unknownSession
    /// 401. Stay, show it.
    case wrongSignature
    /// 409. The counter was not higher than the last: take the next one.
    case replayed
    /// 409. Two claimants for one machine: stay, show it.
    case frozen
    /// 400. The message can not be read: an error in one of the two programs.
    case malformed
    /// 409. The message does not fit the machine's state.
    case notExpected
    /// 500, 503. Try again later.
    case unavailable
  }

  public var code: Code
  /// For people: what was wrong and what to do.
  public var message: String

  public init(code: Code, message: String) {
    self.code = code
    self.message = message
  }

  public var description: String { "the appliance refused (\(code.rawValue)): \(message)" }
}
