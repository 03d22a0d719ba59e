import FoundationEssentials

/// How one run for one stack ended.
public struct BackupResult: Sendable, Hashable, Codable {
  public enum Outcome: String, Sendable, Hashable, Codable {
    case succeeded, failed
    /// The agent was killed, or the power went.
    case interrupted
  }

  public var run: String
  public var stack: String
  public var plan: String
  public var tier: Int
  public var started: Date
  public var ended: Date
  public var outcome: Outcome
  /// The step at which it ended, where it did not succeed.
  public var step: String?
  public var problem: String?
  /// What was made. A run that failed later, while pruning, made one too.
  public var archive: String?
  public var originalBytes: UInt64?
  public var addedBytes: UInt64?
  public var files: Int?
  /// How long services stood still.
  public var downtimeSeconds: Double?
  public var isChecked = false
  public var notes: [String] = []
}

/// How a restore for a test, or in earnest, ended.
public struct RestoreResult: Sendable, Hashable, Codable {
  public var stack: String
  public var archive: String
  public var ended: Date
  public var isTest: Bool
  public var hasSucceeded: Bool
  public var problem: String?
  /// Whether the stack's verify hooks ran.
  public var isVerified: Bool
  public var notes: [String] = []
}

/// What is known of one stack's backups.
public struct BackupHistory: Sendable, Hashable, Codable {
  /// Older ones go.
  static let limit = 200

  public var schema = 1
  /// The newest last.
  public var results: [BackupResult] = []
  public var restores: [RestoreResult] = []
  /// The first run on this system, when older results are gone.
  public var firstRun: String?
  /// When the repository of a plan was found whole.
  public var checked: [String: Date] = [:]

  static func read(_ stack: String, _ folders: NodeFolders) throws(NodeWorkError) -> BackupHistory {
    try DurableFile.value(BackupHistory.self, at: folders.history(stack)) ?? BackupHistory()
  }

  mutating func add(_ result: BackupResult) {
    if results.isEmpty { firstRun = firstRun ?? result.run }
    results = Array((results + [result]).suffix(Self.limit))
    if result.isChecked { checked[result.plan] = result.ended }
  }

  mutating func add(_ result: RestoreResult) { restores = Array((restores + [result]).suffix(Self.limit)) }

  func write(_ stack: String, _ folders: NodeFolders) throws(NodeWorkError) {
    try DurableFile.writeJSON(self, to: folders.history(stack))
  }
}
