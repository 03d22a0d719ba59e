import TFTP
import Testing

private func transfer(
  size: Int, _ pairs: [(String, String)] = [], now: Duration = .zero
) -> TFTPTransfer {
  let agreement = TFTPAgreement(options: pairs.map { TFTPOption($0.0, $0.1) }, size: size)
  return TFTPTransfer(size: size, agreement: agreement, now: now)
}

@Suite("One transfer, step by step")
struct TransferTests {
  @Test(
    "the last block is shorter than the others, empty where the file fills it",
    arguments: [(0, 1, 0), (1, 1, 1), (511, 1, 511), (512, 2, 0), (513, 2, 1), (1024, 3, 0)])
  func lastBlock(size: Int, blocks: Int, last: Int) {
    var run = transfer(size: size)
    #expect(run.blockCount == blocks)
    #expect(run.range(of: blocks).count == last)
    #expect(run.start(now: .zero) == .sendBlocks(1...1))
    for block in 1..<blocks {
      #expect(run.received(acknowledgement: UInt16(block), now: .zero) == .sendBlocks(block + 1...block + 1))
    }
    #expect(run.received(acknowledgement: UInt16(blocks), now: .zero) == .end(.completed))
    #expect(run.counts.payloadBytes == size)
  }

  @Test("without options block 1 is sent at once, with options their acknowledgement")
  func firstPacket() {
    var plain = transfer(size: 5000)
    #expect(plain.start(now: .zero) == .sendBlocks(1...1))
    var negotiated = transfer(size: 5000, [("blksize", "1000"), ("windowsize", "4")])
    #expect(negotiated.start(now: .zero) == .sendOptionAcknowledgement)
    #expect(negotiated.received(acknowledgement: 3, now: .zero) == .nothing)
    #expect(negotiated.received(acknowledgement: 0, now: .zero) == .sendBlocks(1...4))
    #expect(negotiated.received(acknowledgement: 4, now: .zero) == .sendBlocks(5...6))
  }

  @Test(
    "a client that never answers gets three packets, and is forgotten within ten seconds", arguments: [true, false])
  func forgedSource(hasOptions: Bool) {
    var run = transfer(size: 100_000, hasOptions ? [("blksize", "1468"), ("windowsize", "16")] : [])
    var packets = 0
    var action = run.start(now: .zero)
    while run.outcome == nil {
      switch action {
      case .sendBlocks(let blocks): packets += blocks.count
      case .sendOptionAcknowledgement: packets += 1
      case .nothing, .end: break
      }
      #expect(run.deadline <= .seconds(10))
      action = run.timerFired(now: run.deadline)
    }
    #expect(packets == 3)
    #expect(run.outcome == .neverHeard)
  }

  @Test("a request that is repeated before the first answer gets the first packet again, three times in all")
  func repeatedRequest() {
    var run = transfer(size: 100, [("tsize", "0")])
    #expect(run.start(now: .zero) == .sendOptionAcknowledgement)
    #expect(run.requestRepeated(now: .milliseconds(100)) == .sendOptionAcknowledgement)
    #expect(run.requestRepeated(now: .milliseconds(200)) == .sendOptionAcknowledgement)
    #expect(run.requestRepeated(now: .milliseconds(300)) == .nothing)
    #expect(run.received(acknowledgement: 0, now: .milliseconds(400)) == .sendBlocks(1...1))
    #expect(run.requestRepeated(now: .milliseconds(500)) == .nothing)
  }

  @Test("without windows a duplicate acknowledgement is never answered")
  func sorcerersApprentice() {
    var run = transfer(size: 10_000)
    _ = run.start(now: .zero)
    #expect(run.received(acknowledgement: 1, now: .zero) == .sendBlocks(2...2))
    for moment in 0..<100 {
      #expect(run.received(acknowledgement: 1, now: .milliseconds(moment)) == .nothing)
    }
    #expect(run.counts.duplicateAcknowledgements == 100)
    #expect(run.timerFired(now: .seconds(1)) == .sendBlocks(2...2))
  }

  @Test("a storm of duplicates makes a window go out again once")
  func oneResend() {
    var run = transfer(size: 100_000, [("windowsize", "8")])
    _ = run.start(now: .zero)
    #expect(run.received(acknowledgement: 0, now: .milliseconds(1)) == .sendBlocks(1...8))
    #expect(run.received(acknowledgement: 8, now: .milliseconds(2)) == .sendBlocks(9...16))
    var sent = 0
    var moment = Duration.milliseconds(2)
    while moment < .milliseconds(150) {
      moment += .microseconds(100)
      _ = run.received(acknowledgement: 8, now: moment)
      if case .sendBlocks(let blocks) = run.timerFired(now: moment) { sent += blocks.count }
    }
    #expect(sent > 0)
    #expect(sent <= 8)
  }

  @Test("an acknowledgement inside of the window goes on behind it, after stragglers had their time")
  func partialWindow() {
    var run = transfer(size: 100_000, [("windowsize", "8")])
    _ = run.start(now: .zero)
    #expect(run.received(acknowledgement: 0, now: .milliseconds(1)) == .sendBlocks(1...8))
    #expect(run.received(acknowledgement: 3, now: .milliseconds(2)) == .nothing)
    #expect(run.received(acknowledgement: 5, now: .milliseconds(3)) == .nothing)
    guard case .sendBlocks(let blocks) = run.timerFired(now: run.deadline) else {
      Issue.record("nothing was sent")
      return
    }
    #expect(blocks.lowerBound == 6)
  }

  @Test("acknowledgements of blocks that were never sent change nothing", arguments: [2, 9, 40_000, 65_535])
  func strayAcknowledgements(block: Int) {
    var run = transfer(size: 100_000)
    _ = run.start(now: .zero)
    #expect(run.received(acknowledgement: UInt16(block), now: .zero) == .nothing)
    #expect(run.counts.strayAcknowledgements == 1)
    #expect(run.received(acknowledgement: 1, now: .zero) == .sendBlocks(2...2))
  }

  @Test("an abort at the option acknowledgement is a question for the size, later it is an abort")
  func aborts() {
    var probe = transfer(size: 100, [("tsize", "0")])
    _ = probe.start(now: .zero)
    #expect(probe.received(.error(.optionRefused, "User aborted the transfer"), now: .zero) == .end(.sizeOnly))
    var running = transfer(size: 10_000, [("tsize", "0")])
    _ = running.start(now: .zero)
    _ = running.received(acknowledgement: 0, now: .zero)
    let message = Array("stop".utf8)
    #expect(
      running.received(.error(.diskFull, message: message), now: .zero)
        == .end(.abortedByClient(.diskFull, message: message)))
    #expect(running.received(.error(.diskFull, message: []), now: .zero) == .nothing)
    #expect(running.received(acknowledgement: 1, now: .zero) == .nothing)
  }

  @Test("a client that falls silent is given up after thirty seconds, at most")
  func silence() {
    var run = transfer(size: 1_000_000, [("windowsize", "4")])
    _ = run.start(now: .zero)
    _ = run.received(acknowledgement: 0, now: .zero)
    var last = Duration.zero
    while run.outcome == nil {
      last = run.deadline
      _ = run.timerFired(now: last)
    }
    #expect(run.outcome == .timedOut)
    #expect(last <= .seconds(40))
  }

  @Test("packets that a client never sends change nothing")
  func unexpected() {
    var run = transfer(size: 10_000)
    _ = run.start(now: .zero)
    #expect(run.received(.data(block: 1, payload: [1]), now: .zero) == .nothing)
    #expect(run.received(.optionAcknowledgement([]), now: .zero) == .nothing)
    #expect(run.counts.unexpectedPackets == 2)
  }
}
