import SeededNumbers
import TFTP

/// A client as EDK2's `Mtftp4Rrq.c` behaves: it takes blocks in order only, and answers each other one with an
/// acknowledgement of the last that it has. After an acknowledgement it counts its window anew.
struct SimulatedClient {
  let agreement: TFTPAgreement
  let blockCount: Int
  var received = 0
  var sinceAcknowledgement = 0
  var acknowledgements = 0
  /// Some firmware never sends the last one.
  var sendsLastAcknowledgement = true
  /// Tells of a gap once, as RFC 7440 section 4 and U-Boot do, and not for each packet behind it.
  var reportsGapOnce = false
  var lastStray: Int?
  var isDone: Bool { received == blockCount }

  /// The block to acknowledge, if any. The absolute number stands for the 16 bits of the wire.
  mutating func receive(block: Int) -> Int? {
    guard block == received + 1 else {
      let isNew = lastStray.map { block <= $0 } ?? true
      lastStray = block
      guard isNew || !reportsGapOnce else { return nil }
      sinceAcknowledgement = 0
      acknowledgements += 1
      return isDone && !sendsLastAcknowledgement ? nil : received
    }
    received = block
    lastStray = nil
    sinceAcknowledgement += 1
    guard sinceAcknowledgement == agreement.windowSize || isDone else { return nil }
    sinceAcknowledgement = 0
    acknowledgements += 1
    return isDone && !sendsLastAcknowledgement ? nil : received
  }
}

/// Runs one transfer over a network that loses, doubles and reorders packets, on a clock of its own.
struct SimulatedTransfer {
  struct Faults: Sendable {
    var loss = 0.0
    var duplication = 0.0
    /// Share of packets that arrive a millisecond late, behind those sent after them.
    var lateness = 0.0
  }

  private enum Packet { case optionAcknowledgement, block(Int), acknowledgement(Int) }

  private(set) var transfer: TFTPTransfer
  private(set) var client: SimulatedClient
  private(set) var now = Duration.seconds(1000)
  private(set) var largestBurstBeforeFirstAcknowledgement = 0
  private let faults: Faults
  private var generator: SeededGenerator
  private var queue: [(time: Duration, order: Int, packet: Packet)] = []
  private var order = 0
  private var clientHeardOptions = false
  private var clientDeadline = Duration.zero

  init(
    size: Int, options: [TFTPOption], faults: Faults, seed: UInt64, sendsLastAcknowledgement: Bool = true,
    reportsGapOnce: Bool = false
  ) {
    let agreement = TFTPAgreement(options: options, size: size)
    transfer = TFTPTransfer(size: size, agreement: agreement, now: now)
    client = SimulatedClient(agreement: agreement, blockCount: transfer.blockCount)
    client.sendsLastAcknowledgement = sendsLastAcknowledgement
    client.reportsGapOnce = reportsGapOnce
    self.faults = faults
    generator = SeededGenerator(seed: seed)
  }

  /// Payload sent, divided by the size.
  var ratio: Double { Double(transfer.counts.payloadBytes) / Double(max(transfer.size, 1)) }

  mutating func run(limit: Duration = .seconds(36_000)) {
    let end = now + limit
    perform(transfer.start(now: now))
    armClientTimer()
    while transfer.outcome == nil, now < end {
      let next = queue.indices.min { (queue[$0].time, queue[$0].order) < (queue[$1].time, queue[$1].order) }
      if let next, queue[next].time <= min(transfer.deadline, clientDeadline) {
        let item = queue.remove(at: next)
        now = max(now, item.time)
        deliver(item.packet)
      } else if clientDeadline < transfer.deadline, !client.isDone {
        now = max(now, clientDeadline)
        clientTimerFired()
      } else {
        now = max(now, transfer.deadline)
        perform(transfer.timerFired(now: now))
      }
    }
  }

  private mutating func deliver(_ packet: Packet) {
    switch packet {
    case .optionAcknowledgement:
      guard client.received == 0 else { return }
      clientHeardOptions = true
      armClientTimer()
      send(.acknowledgement(0))
    case .block(let block):
      guard clientHeardOptions || transfer.agreement.acknowledged.isEmpty else { return }
      if let number = client.receive(block: block) { send(.acknowledgement(number)) }
      armClientTimer()
    case .acknowledgement(let number):
      perform(transfer.received(acknowledgement: UInt16(truncatingIfNeeded: number), now: now))
    }
  }

  private mutating func clientTimerFired() {
    armClientTimer()
    if client.received > 0 || clientHeardOptions {
      send(.acknowledgement(client.received))
    } else {
      perform(transfer.requestRepeated(now: now))
    }
  }

  /// EDK2 waits four seconds.
  private mutating func armClientTimer() { clientDeadline = client.isDone ? .seconds(1_000_000) : now + .seconds(4) }

  private mutating func perform(_ action: TFTPTransfer.Action) {
    switch action {
    case .nothing, .end: break
    case .sendOptionAcknowledgement: send(.optionAcknowledgement)
    case .sendBlocks(let blocks):
      if !transfer.wasHeard {
        largestBurstBeforeFirstAcknowledgement = max(largestBurstBeforeFirstAcknowledgement, blocks.count)
      }
      for (index, block) in blocks.enumerated() { send(.block(block), after: .microseconds(12 * index)) }
    }
  }

  private mutating func send(_ packet: Packet, after delay: Duration = .zero) {
    let copies = Double.random(in: 0..<1, using: &generator) < faults.duplication ? 2 : 1
    for _ in 0..<copies where Double.random(in: 0..<1, using: &generator) >= faults.loss {
      let late = Double.random(in: 0..<1, using: &generator) < faults.lateness
      order += 1
      queue.append((now + delay + .microseconds(200) + (late ? .milliseconds(1) : .zero), order, packet))
    }
  }
}
