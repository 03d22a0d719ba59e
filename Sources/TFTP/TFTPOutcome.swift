/// How a transfer ended.
public enum TFTPOutcome: Hashable, Sendable, CustomStringConvertible {
  case completed
  /// All was sent, the last acknowledgement never came. Some clients never send it.
  case completedUnconfirmed
  /// The client wanted to know the size only, and aborted: EDK2 begins every download so.
  case sizeOnly
  /// The text is what the client sent: show it escaped.
  case abortedByClient(TFTPErrorCode, message: [UInt8])
  /// No answer to the first packet: a client that went away, or a forged address.
  case neverHeard
  /// No progress for longer than firmware waits.
  case timedOut
  /// The client asked again from the same port.
  case restarted
  /// Ended to make room for a newer request of the same client.
  case replaced
  case serverStopped
  case sendFailed(String)

  /// The client got what it asked for.
  public var isSuccess: Bool {
    switch self {
    case .completed, .completedUnconfirmed, .sizeOnly: true
    default: false
    }
  }

  public var description: String {
    switch self {
    case .completed: "completed"
    case .completedUnconfirmed: "completed, without the last acknowledgement"
    case .sizeOnly: "the client asked for the size only"
    case .abortedByClient(let code, let message):
      "aborted by the client: \(code) \(TFTPOutcome.printable(message))"
    case .neverHeard: "the client never answered the first packet"
    case .timedOut: "the client stopped answering"
    case .restarted: "the client asked again from the same port"
    case .replaced: "made room for a newer request of the same client"
    case .serverStopped: "the server stopped"
    case .sendFailed(let reason): "could not send: \(reason)"
    }
  }

  /// At most 100 characters; whatever is no printable ASCII is shown as `?`.
  public static func printable(_ bytes: some Collection<UInt8>) -> String {
    String(decoding: bytes.prefix(100).map { (0x20...0x7E).contains($0) ? $0 : 0x3F }, as: UTF8.self)
  }
}

/// What happened in one transfer.
public struct TFTPTransferCounts: Hashable, Sendable {
  /// Option acknowledgements, or first blocks before the client was heard.
  public var firstPackets = 0
  /// DATA packets, those sent again included.
  public var blocks = 0
  public var blocksSentAgain = 0
  /// Payload of all DATA packets, in bytes.
  public var payloadBytes = 0
  public var duplicateAcknowledgements = 0
  /// Acknowledgements of blocks that were never sent, or long ago.
  public var strayAcknowledgements = 0
  /// Times that the client showed that it lacked a block.
  public var gaps = 0
  public var timeouts = 0
  public var unexpectedPackets = 0

  public init() {}
}
