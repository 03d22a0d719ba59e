/// The paths of the agent's API. Every body is JSON (``MessageCoder``), UTF-8, at most ``MessageCoder/limit`` bytes.
public enum AgentPath {
  /// `POST` ``BeginRequest`` → ``BeginAnswer``; the only request without a signature.
  public static let begin = "/agent/v1/begin"
  /// `POST` ``HelloRequest`` → ``HelloAnswer``; signed by the key that it brings.
  public static let hello = "/agent/v1/hello"
  /// `GET` → ``AgentTask``.
  public static let task = "/agent/v1/task"
  /// `POST` ``MachineInventory`` → nothing, 204.
  public static let inventory = "/agent/v1/inventory"
  /// `POST` ``ProgressReport`` → nothing, 204.
  public static let progress = "/agent/v1/progress"
  /// `POST` ``InstalledReport`` → nothing, 204.
  public static let installed = "/agent/v1/installed"
  /// `POST` ``FailedReport`` → nothing, 204.
  public static let failed = "/agent/v1/failed"
  /// `POST` ``SavedDiskState`` → nothing, 204; before a rebuild's first write.
  public static let saved = "/agent/v1/saved"
  /// `POST` ``WipedReport`` → nothing, 204.
  public static let wiped = "/agent/v1/wiped"
  /// `POST` ``ExaminedReport`` → nothing, 204.
  public static let examined = "/agent/v1/examined"
  /// `POST` ``NodeReport`` → ``NodeOrders``; signed by the node's key in the session ``SessionIdentifier/init(node:)``.
  public static let report = "/agent/v1/report"
}
