import DHCP
import NetworkAddress

/// What a boot request gets, and why. This one value is the log line, the answer of `bootstead why`, and the golden
/// file of the tests.
public struct BootDecision: Hashable, Sendable, Codable {
  public enum Verdict: String, Sendable, Codable {
    case silent
    case offer
    case acknowledge
  }

  public var verdict: Verdict
  /// The machine's name; nil where it is unknown.
  public var machine: String?
  /// nil where the decision fell before the machine mattered.
  public var intent: BootIntent?
  /// A TFTP name or a URI, at most 127 bytes; nil where the offer is a menu, or there is none.
  public var bootFile: String?
  /// `siaddr` and option 54: our address on the interface of the request.
  public var serverAddress: IPv4Address?
  public var style: OfferStyle?
  /// Milliseconds to wait before the reply.
  public var replyDelay: Int
  /// In the order in which they were found.
  public var reasons: [BootReason]

  public init(
    verdict: Verdict, machine: String? = nil, intent: BootIntent? = nil, bootFile: String? = nil,
    serverAddress: IPv4Address? = nil, style: OfferStyle? = nil, replyDelay: Int = 0, reasons: [BootReason] = []
  ) {
    self.verdict = verdict
    self.machine = machine
    self.intent = intent
    self.bootFile = bootFile
    self.serverAddress = serverAddress
    self.style = style
    self.replyDelay = replyDelay
    self.reasons = reasons
  }
}

/// A decision with the facts it was made from.
public struct BootDecisionRecord: Hashable, Sendable, Codable {
  /// Milliseconds since 1970-01-01T00:00:00Z.
  public var time: Int64
  public var client: ClientFacts
  public var decision: BootDecision

  public init(time: Int64, client: ClientFacts, decision: BootDecision) {
    self.time = time
    self.client = client
    self.decision = decision
  }
}
