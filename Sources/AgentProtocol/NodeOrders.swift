/// The answer to a ``NodeReport``: what the running node is to do.
public struct NodeOrders: Hashable, Sendable, Codable {
  /// Seconds until the next report, 5 to 3,600.
  public var nextReport: Int
  /// Start anew from the network, once: the order's identifier, the same until it was carried out.
  public var networkBoot: String?
  /// Change to another system; the same until the node has told how it ended.
  public var rollout: RolloutOrder?
  /// Secrets that the node has not, or not in their newest revision; the same until it has reported them.
  public var secrets: [SealedSecret]?
  /// Names of secrets that the node has and is no longer to have.
  public var obsoleteSecrets: [String]?
  /// The next task; the same until the node has told how it ended.
  public var task: NodeTaskOrder?

  public init(
    nextReport: Int, networkBoot: String? = nil, rollout: RolloutOrder? = nil, secrets: [SealedSecret]? = nil,
    obsoleteSecrets: [String]? = nil, task: NodeTaskOrder? = nil
  ) {
    self.nextReport = nextReport
    self.networkBoot = networkBoot
    self.rollout = rollout
    self.secrets = secrets
    self.obsoleteSecrets = obsoleteSecrets
    self.task = task
  }

  /// What a node does where the appliance gives no orders.
  public static let none = NodeOrders(nextReport: 300)
}
