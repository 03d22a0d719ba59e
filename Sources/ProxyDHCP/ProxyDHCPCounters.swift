import BootDecision

/// What the server did since its start.
public struct ProxyDHCPCounters: Sendable, Hashable {
  /// Datagrams of any kind.
  public var received = 0
  /// Not DHCP.
  public var malformed = 0
  /// Good DHCP that is none of a boot server's business, by reason.
  public var ignored: [IgnoredRequest: Int] = [:]
  /// From a sender whose address may not be answered.
  public var unanswerable = 0
  public var rateLimited = 0
  /// Boot requests that were decided to get no answer.
  public var silent = 0
  public var offers = 0
  public var acknowledgements = 0
  /// Replies that would not fit into what the client takes.
  public var unbuildable = 0
  /// Replies that the network did not take.
  public var sendFailures = 0
  /// Decisions that nobody read in time from the stream.
  public var droppedRecords = 0

  public init() {}
}
