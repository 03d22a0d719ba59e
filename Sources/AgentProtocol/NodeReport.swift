/// The installed node says that it lives. The first one ends the install.
public struct NodeReport: Hashable, Sendable, Codable {
  public var machineName: String
  public var nodeKey: SigningPublicKey
  /// The store path of the running system.
  public var closure: String
  /// As `uname -r` prints it.
  public var kernel: String
  /// From `/proc/sys/kernel/random/boot_id`.
  public var bootIdentifier: String
  /// Seconds since the kernel started.
  public var uptime: Double
  /// The last order to change to another system, and what became of it.
  public var rollout: RolloutReport?
  /// The revisions of the secrets that the node has, by name; empty for those that an install brought. An agent that
  /// does not send it gets no secrets.
  public var secrets: [String: String]?
  /// The tasks that the appliance has not yet been told the end of. An agent that does not send it gets no tasks.
  public var tasks: [NodeTaskReport]?
  /// What is to be seen to, at most ``NodeAlarm/limit``; nil where it is not known yet, or the agent does not look.
  public var alarms: [NodeAlarm]?

  public init(
    machineName: String, nodeKey: SigningPublicKey, closure: String, kernel: String, bootIdentifier: String,
    uptime: Double, rollout: RolloutReport? = nil, secrets: [String: String]? = nil,
    tasks: [NodeTaskReport]? = nil, alarms: [NodeAlarm]? = nil
  ) {
    self.machineName = machineName
    self.nodeKey = nodeKey
    self.closure = closure
    self.kernel = kernel
    self.bootIdentifier = bootIdentifier
    self.uptime = uptime
    self.rollout = rollout
    self.secrets = secrets
    self.tasks = tasks
    self.alarms = alarms
  }
}

/// What the agent leaves on the node so that it can report, as JSON at ``path``.
public struct NodeConfiguration: Hashable, Sendable, Codable {
  /// On the installed node.
  public static let path = "/var/lib/bootstead/node.json"
  /// The seed of the node's Ed25519 key as base64, mode 0600.
  public static let keyPath = "/var/lib/bootstead/node.key"
  /// The node's age identity, mode 0600.
  public static let identityPath = "/var/lib/bootstead/node.age"
  /// The last counter that the node used.
  public static let counterPath = "/var/lib/bootstead/node.counter"

  /// `http://192.0.2.1:8080`
  public var applianceURL: String
  public var appliancePublicKey: SigningPublicKey
  public var machineName: String

  public init(applianceURL: String, appliancePublicKey: SigningPublicKey, machineName: String) {
    self.applianceURL = applianceURL
    self.appliancePublicKey = appliancePublicKey
    self.machineName = machineName
  }
}
