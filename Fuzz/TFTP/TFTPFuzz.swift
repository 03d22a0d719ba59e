import TFTP

/// A packet that is read is written again as the same packet; a name that is read is the same when read again; and
/// packets in any order, with time that passes, never break a transfer.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ data: UnsafePointer<UInt8>?, _ size: Int) -> CInt {
  let input = Array(UnsafeBufferPointer(start: data, count: size))
  if let packet = try? TFTPPacket(parsing: input) {
    precondition((try? TFTPPacket(parsing: packet.bytes)) == packet || packet.bytes.count > TFTPRequest.maximumLength)
    if case .readRequest(let request) = packet {
      checkName(request.name)
      drive(TFTPAgreement(options: request.options, size: 70_000), Array(input.suffix(64)))
    }
  }
  checkName(input)
  drive(TFTPAgreement(options: [TFTPOption("windowsize", "16"), TFTPOption("blksize", "8")], size: 70_000), input)
  return 0
}

private func checkName(_ bytes: [UInt8]) {
  guard let name = try? TFTPRequestName(bytes) else { return }
  precondition(!name.components.contains { $0.isEmpty || $0 == ".." || $0 == "." })
  precondition((try? TFTPRequestName(name.path)) == name)
}

/// Two bytes are one step: an acknowledgement near the last one, or time that passes.
private func drive(_ agreement: TFTPAgreement, _ steps: [UInt8]) {
  var transfer = TFTPTransfer(size: 70_000, agreement: agreement, now: .zero)
  var now = Duration.zero
  var last = 0
  check(transfer.start(now: now), transfer, &last)
  for index in stride(from: 0, to: steps.count - 1, by: 2) {
    let (first, second) = (steps[index], steps[index + 1])
    now += .microseconds(Int(second) * 50)
    switch first & 3 {
    case 0: check(transfer.timerFired(now: transfer.deadline), transfer, &last)
    case 1:
      let block = UInt16(truncatingIfNeeded: last &- Int(second & 31))
      check(transfer.received(acknowledgement: block, now: now), transfer, &last)
    case 2: check(transfer.timerFired(now: now), transfer, &last)
    default:
      check(transfer.received(acknowledgement: UInt16(first) << 8 | UInt16(second), now: now), transfer, &last)
    }
  }
}

private func check(_ action: TFTPTransfer.Action, _ transfer: TFTPTransfer, _ last: inout Int) {
  guard case .sendBlocks(let blocks) = action else { return }
  precondition(blocks.lowerBound >= 1 && blocks.upperBound <= transfer.blockCount)
  precondition(blocks.count <= transfer.agreement.windowSize)
  precondition(transfer.wasHeard || blocks.count == 1)
  precondition(transfer.range(of: blocks.upperBound).upperBound <= transfer.size)
  last = blocks.upperBound
}
