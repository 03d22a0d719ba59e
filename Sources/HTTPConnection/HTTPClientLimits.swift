/// How long a client waits and how much it holds.
public struct HTTPClientLimits: Sendable {
  public var connectTimeout: Duration
  /// The longest time without a byte in either direction while an answer is awaited.
  public var idleTimeout: Duration
  /// All header fields of one answer together.
  public var maxHeaderBytes: Int
  /// Connections kept open for the next request.
  public var maxIdleConnections: Int

  public init(
    connectTimeout: Duration = .seconds(10), idleTimeout: Duration = .seconds(60), maxHeaderBytes: Int = 65_536,
    maxIdleConnections: Int = 8
  ) {
    self.connectTimeout = connectTimeout
    self.idleTimeout = idleTimeout
    self.maxHeaderBytes = maxHeaderBytes
    self.maxIdleConnections = maxIdleConnections
  }
}
