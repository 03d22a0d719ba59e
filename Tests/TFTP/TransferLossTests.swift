import TFTP
import Testing

private let windows = [1, 4, 8, 16]

private func options(window: Int) -> [TFTPOption] {
  [TFTPOption("tsize", "0"), TFTPOption("blksize", "1468")]
    + (window > 1 ? [TFTPOption("windowsize", String(window))] : [])
}

@Suite("A transfer over a network with faults")
struct TransferLossTests {
  @Test("5 % loss with reordering costs at most 1.15 times the file", arguments: windows)
  func smallWaste(window: Int) {
    var ratios: [Double] = []
    for seed in UInt64(1)...4 {
      var run = SimulatedTransfer(
        size: 4_000_000, options: options(window: window), faults: .init(loss: 0.05, lateness: 0.005), seed: seed)
      run.run()
      #expect(run.transfer.outcome?.isSuccess == true)
      #expect(run.client.isDone)
      ratios.append(run.ratio)
    }
    #expect(ratios.reduce(0, +) / Double(ratios.count) <= 1.15, "\(ratios)")
  }

  @Test(
    "a transfer ends well with up to 10 % loss, duplicates and reordering", arguments: windows,
    [0.0, 0.03, 0.1])
  func finishes(window: Int, loss: Double) {
    for seed in UInt64(10)..<16 {
      var run = SimulatedTransfer(
        size: 300_000, options: options(window: window),
        faults: .init(loss: loss, duplication: loss, lateness: loss / 2), seed: seed)
      run.run()
      #expect(run.client.isDone, "\(seed) \(String(describing: run.transfer.outcome)) \(run.transfer.counts)")
      #expect(run.transfer.outcome?.isSuccess == true)
      #expect(run.ratio <= 2)
    }
  }

  @Test("a client that tells of a gap only once gets its file too", arguments: windows)
  func gapOnce(window: Int) {
    for seed in UInt64(40)..<60 {
      var run = SimulatedTransfer(
        size: 1_000_000, options: options(window: window), faults: .init(loss: 0.05, lateness: 0.005), seed: seed,
        reportsGapOnce: true)
      run.run()
      #expect(run.client.isDone, "\(seed) \(String(describing: run.transfer.outcome)) \(run.transfer.counts)")
      #expect(run.transfer.outcome?.isSuccess == true)
      #expect(run.ratio <= 1.3, "\(run.ratio) \(run.transfer.counts)")
    }
  }

  @Test("at 20 % loss a transfer always ends, and never sends more than three times the file", arguments: windows)
  func heavyLoss(window: Int) {
    for seed in UInt64(20)..<26 {
      var run = SimulatedTransfer(
        size: 200_000, options: options(window: window),
        faults: .init(loss: 0.2, duplication: 0.1, lateness: 0.1), seed: seed)
      run.run()
      #expect(run.transfer.outcome != nil)
      #expect(run.ratio <= 3)
    }
  }

  @Test("without loss nothing is sent twice", arguments: windows)
  func clean(window: Int) {
    var run = SimulatedTransfer(size: 1_468 * 1000 + 7, options: options(window: window), faults: .init(), seed: 1)
    run.run()
    #expect(run.transfer.outcome == .completed)
    #expect(run.transfer.counts.blocksSentAgain == 0)
    #expect(run.transfer.counts.blocks == 1001)
    #expect(run.transfer.counts.payloadBytes == 1_468 * 1000 + 7)
  }

  @Test("block numbers go on past 65535", arguments: [1, 16])
  func rollover(window: Int) {
    let options = [TFTPOption("windowsize", String(window))]
    var run = SimulatedTransfer(size: 512 * 70_000, options: options, faults: .init(loss: 0.0005), seed: 4)
    run.run()
    #expect(run.transfer.blockCount == 70_001)
    #expect(run.client.isDone)
    #expect(run.transfer.outcome == .completed)
  }

  @Test("a client that never sends the last acknowledgement got its file")
  func noLastAcknowledgement() {
    for window in windows {
      var run = SimulatedTransfer(
        size: 100_000, options: options(window: window), faults: .init(), seed: 5, sendsLastAcknowledgement: false)
      run.run()
      #expect(run.client.isDone)
      #expect(run.transfer.outcome == .completedUnconfirmed)
    }
  }

  @Test("before the client was heard only one packet goes out at a time", arguments: windows)
  func onePacketFirst(window: Int) {
    var run = SimulatedTransfer(
      size: 100_000, options: window == 1 ? [] : options(window: window), faults: .init(loss: 0.05), seed: 6)
    run.run()
    #expect(run.largestBurstBeforeFirstAcknowledgement <= 1)
    #expect(run.client.isDone)
  }
}
