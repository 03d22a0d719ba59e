import NIOCore
import NetworkAddress
import TFTP

/// What the server tells a running transfer.
enum TransferCommand: Sendable {
  case requestRepeated
  case end(TFTPOutcome)
}

/// One transfer on its own socket: carries out what ``TFTPTransfer`` says.
final class TransferHandler: ChannelInboundHandler {
  typealias InboundIn = AddressedEnvelope<ByteBuffer>
  typealias OutboundOut = AddressedEnvelope<ByteBuffer>

  struct Job {
    let peer: PeerAddress
    let address: SocketAddress
    let number: Int
    let name: String
    let content: TFTPContent
    let agreement: TFTPAgreement
    let table: TransferTable
    /// Told once, with the end.
    let report: @Sendable (TFTPTransferReport) -> Void
    let countStranger: @Sendable () -> Void
  }

  /// ERROR packets to strangers for each transfer, so that it can not be made to answer forever.
  private static let strangersAnswered = 8

  private let job: Job
  private var transfer: TFTPTransfer
  private let startedAt: Duration
  private var buffer = ByteBuffer()
  private var timer: (task: Scheduled<Void>, deadline: Duration)?
  private var strangers = 0
  private var phase = TransferTable.Phase.unheard
  private var isOver = false
  /// Lets the kernel cut a window into packets; given up at the first refusal.
  private var usesSegmentation: Bool
  /// It worked, and nothing timed out since.
  private var segmentationIsProven = false
  private var timeoutsSeen = 0

  init(job: Job) {
    self.job = job
    startedAt = TransferHandler.now()
    transfer = TFTPTransfer(size: job.content.count, agreement: job.agreement, now: startedAt)
    usesSegmentation = System.supportsUDPSegmentationOffload && job.agreement.windowSize > 1
  }

  func channelActive(context: ChannelHandlerContext) {
    // Ended to make room before its socket was there.
    guard !isOver else { return }
    perform(transfer.start(now: TransferHandler.now()), context)
  }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    guard !isOver else { return }
    let envelope = unwrapInboundIn(data)
    guard envelope.remoteAddress == job.address else { return answerStranger(envelope.remoteAddress, context) }
    let bytes = envelope.data
    let start = bytes.readerIndex
    let now = TransferHandler.now()
    if let block = bytes.getInteger(at: start + 2, as: UInt16.self),
      bytes.getInteger(at: start, as: UInt16.self) == TFTPPacket.Operation.acknowledgement.rawValue
    {
      perform(transfer.received(acknowledgement: block, now: now), context)
    } else if let packet = try? TFTPPacket(parsing: bytes.readableBytesView) {
      perform(transfer.received(packet, now: now), context)
    }
  }

  func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
    guard !isOver, let command = event as? TransferCommand else { return context.fireUserInboundEventTriggered(event) }
    switch command {
    case .requestRepeated: perform(transfer.requestRepeated(now: TransferHandler.now()), context)
    case .end(let outcome):
      let packet = TFTPPacket.error(.notDefined, "transfer ended by the server")
      context.writeAndFlush(wrapOutboundOut(envelope(ByteBuffer(bytes: packet.bytes))), promise: nil)
      perform(transfer.stop(outcome), context)
    }
  }

  func errorCaught(context: ChannelHandlerContext, error: any Error) {
    perform(transfer.stop(.sendFailed(String(describing: error))), context)
  }

  func channelInactive(context: ChannelHandlerContext) {
    if !isOver { finish(.serverStopped, context) }
  }

  // MARK: Carrying out

  private func perform(_ action: TFTPTransfer.Action, _ context: ChannelHandlerContext) {
    switch action {
    case .nothing: break
    case .sendOptionAcknowledgement:
      let packet = TFTPPacket.optionAcknowledgement(job.agreement.acknowledged)
      sendChecked(envelope(ByteBuffer(bytes: packet.bytes)), context)
    case .sendBlocks(let blocks): send(blocks, context)
    case .end(let outcome): return finish(outcome, context)
    }
    advancePhase()
    schedule(context)
  }

  private func send(_ blocks: ClosedRange<Int>, _ context: ChannelHandlerContext) {
    buffer.clear()
    for block in blocks {
      buffer.writeInteger(TFTPPacket.Operation.data.rawValue)
      buffer.writeInteger(UInt16(truncatingIfNeeded: block))
      buffer.writeBytes(job.content.bytes[transfer.range(of: block)])
    }
    if !transfer.wasHeard {
      sendChecked(envelope(buffer), context)
    } else if usesSegmentation, blocks.count > 1, buffer.readableBytes <= TransferHandler.largestSegmentedWrite {
      sendSegmented(context)
    } else {
      writeEach(buffer, context)
    }
  }

  /// A UDP datagram before it is cut (`UDP_SEGMENT`).
  private static let largestSegmentedWrite = 65507

  private func sendSegmented(_ context: ChannelHandlerContext) {
    let metadata = AddressedEnvelope<ByteBuffer>.Metadata(
      ecnState: .transportNotCapable, packetInfo: nil, segmentSize: packetLength)
    let whole = buffer
    let data = wrapOutboundOut(AddressedEnvelope(remoteAddress: job.address, data: whole, metadata: metadata))
    if transfer.counts.timeouts > timeoutsSeen {
      timeoutsSeen = transfer.counts.timeouts
      segmentationIsProven = false
    }
    if segmentationIsProven { return context.writeAndFlush(data, promise: nil) }
    let promise = context.eventLoop.makePromise(of: Void.self)
    let bound = NIOLoopBound((handler: self, context: context), eventLoop: context.eventLoop)
    promise.futureResult.whenComplete { result in
      let (handler, context) = bound.value
      switch result {
      case .success: handler.segmentationIsProven = true
      case .failure:
        // Ports without checksum offload refuse it (EIO), and so do blocks above the MTU (EINVAL).
        guard !handler.isOver else { return }
        handler.usesSegmentation = false
        handler.writeEach(whole, context)
      }
    }
    context.writeAndFlush(data, promise: promise)
  }

  /// Length of every DATA packet but the last, in bytes.
  private var packetLength: Int { TFTPPacket.dataHeaderLength + job.agreement.blockSize }

  private func writeEach(_ whole: ByteBuffer, _ context: ChannelHandlerContext) {
    var rest = whole
    while let packet = rest.readSlice(length: min(packetLength, rest.readableBytes)), packet.readableBytes > 0 {
      context.write(wrapOutboundOut(envelope(packet)), promise: nil)
    }
    context.flush()
  }

  /// Sends a first packet, and ends the transfer where that is not possible (no route, a firewall).
  private func sendChecked(_ envelope: AddressedEnvelope<ByteBuffer>, _ context: ChannelHandlerContext) {
    let promise = context.eventLoop.makePromise(of: Void.self)
    let bound = NIOLoopBound((handler: self, context: context), eventLoop: context.eventLoop)
    promise.futureResult.whenFailure { error in
      let (handler, context) = bound.value
      guard !handler.isOver else { return }
      handler.perform(handler.transfer.stop(.sendFailed(String(describing: error))), context)
    }
    context.writeAndFlush(wrapOutboundOut(envelope), promise: promise)
  }

  private func envelope(_ data: ByteBuffer) -> AddressedEnvelope<ByteBuffer> {
    AddressedEnvelope(remoteAddress: job.address, data: data)
  }

  private func answerStranger(_ address: SocketAddress, _ context: ChannelHandlerContext) {
    job.countStranger()
    strangers += 1
    guard strangers <= TransferHandler.strangersAnswered else { return }
    let packet = TFTPPacket.error(.unknownTransferID, "unknown transfer ID")
    context.writeAndFlush(
      wrapOutboundOut(AddressedEnvelope(remoteAddress: address, data: ByteBuffer(bytes: packet.bytes))), promise: nil)
  }

  private func advancePhase() {
    let present: TransferTable.Phase =
      !transfer.wasHeard ? .unheard : transfer.isLingering ? .lingering : .running
    guard present != phase else { return }
    phase = present
    job.table.advance(job.peer, number: job.number, to: present)
  }

  private func finish(_ outcome: TFTPOutcome, _ context: ChannelHandlerContext) {
    guard !isOver else { return }
    isOver = true
    timer?.task.cancel()
    timer = nil
    job.table.remove(job.peer, number: job.number)
    job.report(
      TFTPTransferReport(
        peer: job.peer.address, peerPort: job.peer.port, name: job.name, size: job.content.count,
        agreement: job.agreement, counts: transfer.counts, duration: TransferHandler.now() - startedAt,
        outcome: outcome))
    context.close(promise: nil)
  }

  // MARK: Time

  static func now() -> Duration { .nanoseconds(Int64(clamping: NIODeadline.now().uptimeNanoseconds)) }

  /// Deadlines mostly move away with every acknowledgement: a timer that is early looks again, and costs nothing
  /// for each packet.
  private func schedule(_ context: ChannelHandlerContext) {
    let deadline = transfer.deadline
    if let timer {
      if timer.deadline <= deadline { return }
      timer.task.cancel()
    }
    let bound = NIOLoopBound((handler: self, context: context), eventLoop: context.eventLoop)
    let wait = max(deadline - TransferHandler.now(), .zero)
    let task = context.eventLoop.assumeIsolated().scheduleTask(in: TimeAmount(wait)) {
      let (handler, context) = bound.value
      handler.timerFired(context)
    }
    timer = (task, deadline)
  }

  private func timerFired(_ context: ChannelHandlerContext) {
    timer = nil
    guard !isOver else { return }
    perform(transfer.timerFired(now: TransferHandler.now()), context)
  }
}
