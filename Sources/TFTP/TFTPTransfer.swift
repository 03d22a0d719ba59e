/// The sending side of one transfer, without sockets, clock or content: what to send, and when to look again.
/// Blocks are counted from 1 without limit; on the wire the number has 16 bits and goes from 65535 on to 0. Times are
/// durations since any fixed moment, the same for all calls of one transfer.
///
/// A window that met no loss is sent at once. Where blocks get lost or overtake each other, EDK2 answers every block
/// that it did not expect with an acknowledgement of the last one in order, and drops the block; a sender that sends
/// its window again for each of them sends many times the file (RFC 7440 section 4; seen with 3 % loss: 5,382
/// acknowledgements for 213 blocks). So the sender waits until such answers have come in, goes back once for each
/// acknowledged block, and sends the following windows in smaller bursts, so that one loss wastes less.
public struct TFTPTransfer: Sendable {
  /// What the owner of the socket has to do now.
  public enum Action: Equatable, Sendable {
    case nothing
    case sendOptionAcknowledgement
    /// Blocks by their unlimited number, from 1.
    case sendBlocks(ClosedRange<Int>)
    case end(TFTPOutcome)
  }

  private enum Timer { case retransmit, nextBurst, goBack }

  public let agreement: TFTPAgreement
  /// The length of the content, in bytes.
  public let size: Int
  /// Blocks to send. A content that fills its last block is followed by an empty one (RFC 1350 section 6).
  public let blockCount: Int
  public let timing: TFTPTiming

  /// When ``timerFired(now:)`` has to be called.
  public private(set) var deadline: Duration
  /// The client has answered, so its address is not forged.
  public private(set) var wasHeard = false
  public private(set) var outcome: TFTPOutcome?
  public private(set) var counts = TFTPTransferCounts()

  /// The highest block that the client has in order; 0 is the option acknowledgement.
  private var acknowledged = 0
  /// The last block of the burst sent last, and the highest ever sent.
  private var sent = 0
  private var highestSent = 0
  private var windowEnd = 0
  private var windowIsClean = true
  /// Share of blocks at which a loss showed, over the last hundred blocks or so.
  private var lossRate = 0.0
  private var timer = Timer.retransmit
  private var sentAt: Duration
  private var lastProgress: Duration
  private let startedAt: Duration
  private var retransmission: Duration
  private var attempts = 0
  private var firstSends = 0
  private var roundTrip: Duration?
  /// The acknowledged block from which a window was sent again; once for each.
  private var wentBackTo: Int?
  /// The client said after that that it still lacks the next block.
  private var lacksNext = false
  /// A block sent twice by itself: a second acknowledgement of it says nothing.
  private var probed: Int?

  /// - Parameter now: the present moment. Call ``start(now:)`` next.
  public init(size: Int, agreement: TFTPAgreement, timing: TFTPTiming = TFTPTiming(), now: Duration) {
    self.size = max(size, 0)
    self.agreement = agreement
    self.timing = timing
    blockCount = max(size, 0) / agreement.blockSize + 1
    retransmission = agreement.timeoutSeconds.map { .seconds($0) } ?? timing.retransmission
    (startedAt, sentAt, lastProgress, deadline) = (now, now, now, now)
  }

  private var hasOptions: Bool { !agreement.acknowledged.isEmpty }
  /// Everything was sent, and only the last acknowledgement is missing.
  public var isLingering: Bool { wasHeard && outcome == nil && highestSent == blockCount }

  /// The bytes of the content that a block carries.
  public func range(of block: Int) -> Range<Int> {
    let start = min(max(block - 1, 0), blockCount - 1) * agreement.blockSize
    return start..<min(start + agreement.blockSize, size)
  }

  /// The first packet: the option acknowledgement, or block 1 alone.
  public mutating func start(now: Duration) -> Action { sendFirst(now: now) }

  /// The client sent its request once more before it answered: its first packet got lost, or ours.
  public mutating func requestRepeated(now: Duration) -> Action {
    guard !wasHeard, outcome == nil, firstSends < timing.firstPacketSends else { return .nothing }
    return sendFirst(now: now)
  }

  /// A packet that the client sent to this transfer's port.
  public mutating func received(_ packet: TFTPPacket, now: Duration) -> Action {
    switch packet {
    case .acknowledgement(let block): return received(acknowledgement: block, now: now)
    case .error(let code, let message): return received(error: code, message: message)
    case .readRequest, .writeRequest, .data, .optionAcknowledgement:
      counts.unexpectedPackets += 1
      return .nothing
    }
  }

  public mutating func received(error code: TFTPErrorCode, message: [UInt8]) -> Action {
    guard outcome == nil else { return .nothing }
    // EDK2 asks for the size first and aborts with code 8, Intel's ROM with code 0.
    return end(wasHeard || !hasOptions ? .abortedByClient(code, message: message) : .sizeOnly)
  }

  public mutating func received(acknowledgement block: UInt16, now: Duration) -> Action {
    guard outcome == nil else { return .nothing }
    let distance = Int(block &- UInt16(truncatingIfNeeded: acknowledged))
    if !wasHeard, hasOptions, distance == 0 {
      wasHeard = true
      progress(now: now)
      if counts.firstPackets == 1 { measure(now - sentAt) }
      return sendWindow(now: now)
    }
    guard distance <= highestSent - acknowledged else {
      counts.strayAcknowledgements += 1
      return .nothing
    }
    guard distance > 0 else { return duplicate(now: now) }
    wasHeard = true
    acknowledged += distance
    for _ in 0..<min(distance, 64) { lossRate *= 1 - TFTPTransfer.lossWeight }
    progress(now: now)
    if acknowledged == blockCount { return end(.completed) }
    if acknowledged >= sent {
      if acknowledged == windowEnd, windowIsClean { measure(now - sentAt) }
      windowIsClean = true
      return sendWindow(now: now)
    }
    awaitStragglers(now: now)
    return .nothing
  }

  public mutating func timerFired(now: Duration) -> Action {
    guard outcome == nil, now >= deadline else { return .nothing }
    switch timer {
    case .nextBurst: return sendBurst(now: now)
    case .goBack:
      wentBackTo = acknowledged
      return sendWindow(now: now)
    case .retransmit: return retransmit(now: now)
    }
  }

  /// Ends the transfer for a reason of the server's.
  public mutating func stop(_ reason: TFTPOutcome) -> Action {
    outcome == nil ? end(reason) : .nothing
  }

  // MARK: Sending

  private mutating func sendFirst(now: Duration) -> Action {
    firstSends += 1
    sentAt = now
    counts.firstPackets += 1
    timer = .retransmit
    deadline = min(now + retransmission, startedAt + timing.firstAnswer)
    retransmission = min(retransmission * 2, max(timing.longestRetransmission, retransmission))
    if hasOptions { return .sendOptionAcknowledgement }
    windowEnd = 1
    return sendBlocks(1...1)
  }

  private mutating func sendWindow(now: Duration) -> Action {
    sent = acknowledged
    windowEnd = min(acknowledged + agreement.windowSize, blockCount)
    return sendBurst(now: now)
  }

  private mutating func sendBurst(now: Duration) -> Action {
    let blocks = (sent + 1)...min(sent + burst, windowEnd)
    sent = blocks.upperBound
    sentAt = now
    if sent < windowEnd {
      timer = .nextBurst
      deadline = now + burstInterval
    } else {
      timer = .retransmit
      deadline = now + (attempts == 0 ? firstWait : retransmission)
    }
    return sendBlocks(blocks)
  }

  private mutating func sendBlocks(_ blocks: ClosedRange<Int>) -> Action {
    counts.blocks += blocks.count
    if blocks.lowerBound <= highestSent {
      counts.blocksSentAgain += min(blocks.upperBound, highestSent) - blocks.lowerBound + 1
    }
    counts.payloadBytes += range(of: blocks.upperBound).upperBound - range(of: blocks.lowerBound).lowerBound
    highestSent = max(highestSent, blocks.upperBound)
    sent = max(sent, blocks.upperBound)
    return .sendBlocks(blocks)
  }

  // MARK: Loss

  private mutating func duplicate(now: Duration) -> Action {
    counts.duplicateAcknowledgements += 1
    // Without windows a duplicate is never answered (RFC 1123 section 4.2.3.1): the Raspberry Pi 4 miscounts.
    guard wasHeard, agreement.windowSize > 1, sent > acknowledged, timer != .goBack, probed != acknowledged else {
      return .nothing
    }
    if wentBackTo != acknowledged {
      awaitStragglers(now: now)
    } else if !lacksNext {
      // Lost once more. Stop the rest of the window, which the client would only drop, and leave it to the timer.
      lacksNext = true
      noteLoss()
      timer = .retransmit
      deadline = now + firstWait
    }
    return .nothing
  }

  /// The client lacks a block. Others that are on their way may still bring acknowledgements: wait for them.
  private mutating func awaitStragglers(now: Duration) {
    windowIsClean = false
    if timer != .goBack {
      counts.gaps += 1
      noteLoss()
      timer = .goBack
      deadline = now + settleTime
    }
  }

  private mutating func retransmit(now: Duration) -> Action {
    guard wasHeard else {
      if firstSends >= timing.firstPacketSends || now >= startedAt + timing.firstAnswer { return end(.neverHeard) }
      return sendFirst(now: now)
    }
    attempts += 1
    windowIsClean = false
    counts.timeouts += 1
    noteLoss()
    if highestSent == blockCount, attempts > timing.lastWindowResends { return end(.completedUnconfirmed) }
    if attempts > timing.resends || now - lastProgress >= patience { return end(.timedOut) }
    if attempts == 1, agreement.windowSize > 1, !lacksNext {
      // The client answers the last block of the window whether it lacks one or has them all; one packet tells.
      probed = sent
      sentAt = now
      deadline = now + retransmission
      return sendBlocks(sent...sent)
    }
    if !lacksNext || attempts > 1 {
      retransmission = min(retransmission * 2, max(timing.longestRetransmission, retransmission))
    }
    lacksNext = false
    return sendWindow(now: now)
  }

  private mutating func progress(now: Duration) {
    lastProgress = now
    lacksNext = false
    attempts = 0
    retransmission = agreement.timeoutSeconds.map { .seconds($0) } ?? timing.retransmission
  }

  private mutating func end(_ outcome: TFTPOutcome) -> Action {
    self.outcome = outcome
    return .end(outcome)
  }

  // MARK: Bursts

  private static let lossWeight = 1.0 / 48
  private mutating func noteLoss() { lossRate = min(lossRate + TFTPTransfer.lossWeight, 1) }

  /// Blocks to send before a pause that lets the client report a loss. The client drops what comes behind a lost
  /// block, half a burst on average, and one more that tells of it: as many as keep this waste at a tenth.
  private var burst: Int {
    guard lossRate > 0.001 else { return agreement.windowSize }
    return min(max(Int(0.12 / lossRate) - 6, 1), agreement.windowSize)
  }

  // MARK: Times

  private mutating func measure(_ sample: Duration) {
    roundTrip = roundTrip.map { ($0 * 7 + sample) / 8 } ?? sample
  }

  /// Long enough for what is on the way to arrive and be answered.
  private var settleTime: Duration {
    min(max((roundTrip ?? .milliseconds(3)) * 2, .milliseconds(2)), .milliseconds(50))
  }

  private var burstInterval: Duration {
    min(max((roundTrip ?? .milliseconds(1)) * 3 / 2, .milliseconds(1)), .milliseconds(20))
  }

  private var firstWait: Duration {
    guard agreement.windowSize > 1, let roundTrip else { return retransmission }
    return min(max(roundTrip * 4, timing.earliestProbe), retransmission)
  }

  /// A `timeout` option of minutes must not keep a dead transfer for as long.
  private var patience: Duration {
    guard let seconds = agreement.timeoutSeconds else { return timing.patience }
    return min(max(timing.patience, .seconds(3 * seconds)), .seconds(120))
  }
}
