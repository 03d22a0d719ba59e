import NIOCore

/// The server's side of the NBD protocol: fixed newstyle negotiation, simple replies, no TLS
/// (https://github.com/NetworkBlockDevice/nbd/blob/master/doc/proto.md).
final class NBDHandler: ChannelInboundHandler {
  typealias InboundIn = ByteBuffer
  typealias OutboundOut = ByteBuffer

  private enum Phase { case flags, options, transmission }
  private enum Option: UInt32 { case exportName = 1, abort = 2, info = 6, go = 7 }
  private enum Command: UInt16 { case read = 0, write = 1, disconnect = 2, flush = 3 }

  private static let optionMagic: UInt64 = 0x4948_4156_454F_5054
  private static let optionReplyMagic: UInt64 = 0x0003_E889_0455_65A9
  private static let requestMagic: UInt32 = 0x2560_9513
  private static let replyMagic: UInt32 = 0x6744_6698
  private static let (acknowledge, information): (UInt32, UInt32) = (1, 3)
  private static let unsupported: UInt32 = 1 << 31 | 1
  /// Has flags, takes FLUSH, takes FUA.
  private static let exportFlags: UInt16 = 1 | 4 | 8
  private static let longest = 64 << 20

  private let server: LabDiskServer
  private var phase = Phase.flags
  private var pending = ByteBuffer()
  /// Looks again by itself whether the disk goes on.
  private var isWaiting = false

  init(server: LabDiskServer) { self.server = server }

  func channelActive(context: ChannelHandlerContext) {
    server.powerOn()
    var hello = ByteBuffer()
    hello.writeString("NBDMAGIC")
    hello.writeInteger(Self.optionMagic)
    // Fixed newstyle, and no zeroes behind an export's description.
    hello.writeInteger(UInt16(3))
    context.writeAndFlush(wrapOutboundOut(hello), promise: nil)
  }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    pending.writeImmutableBuffer(unwrapInboundIn(data))
    work(context)
  }

  private func work(_ context: ChannelHandlerContext) {
    while !server.isStalled, step(context) {}
    pending.discardReadBytes()
    context.flush()
    guard server.isStalled, !isWaiting else { return }
    isWaiting = true
    context.eventLoop.assumeIsolated().scheduleTask(in: .milliseconds(200)) {
      self.isWaiting = false
      if context.channel.isActive { self.work(context) }
    }
  }

  /// Handles one message, where it is there as a whole.
  private func step(_ context: ChannelHandlerContext) -> Bool {
    switch phase {
    case .flags:
      guard pending.readInteger(as: UInt32.self) != nil else { return false }
      phase = .options
      return true
    case .options: return negotiate(context)
    case .transmission: return serve(context)
    }
  }

  private func negotiate(_ context: ChannelHandlerContext) -> Bool {
    let start = pending.readerIndex
    guard let magic = pending.getInteger(at: start, as: UInt64.self),
      let number = pending.getInteger(at: start + 8, as: UInt32.self),
      let length = pending.getInteger(at: start + 12, as: UInt32.self)
    else { return false }
    guard magic == Self.optionMagic, length <= 65536 else {
      context.close(promise: nil)
      return false
    }
    guard pending.readableBytes >= 16 + Int(length) else { return false }
    pending.moveReaderIndex(forwardBy: 16 + Int(length))
    switch Option(rawValue: number) {
    case .exportName:
      var export = ByteBuffer()
      export.writeInteger(server.size)
      export.writeInteger(Self.exportFlags)
      context.write(wrapOutboundOut(export), promise: nil)
      phase = .transmission
    case .info, .go:
      var export = ByteBuffer()
      export.writeInteger(UInt16(0))
      export.writeInteger(server.size)
      export.writeInteger(Self.exportFlags)
      reply(number, Self.information, export, context)
      reply(number, Self.acknowledge, ByteBuffer(), context)
      if number == Option.go.rawValue { phase = .transmission }
    case .abort:
      reply(number, Self.acknowledge, ByteBuffer(), context)
      context.flush()
      context.close(promise: nil)
      return false
    case nil: reply(number, Self.unsupported, ByteBuffer(), context)
    }
    return true
  }

  private func reply(_ option: UInt32, _ type: UInt32, _ data: ByteBuffer, _ context: ChannelHandlerContext) {
    var reply = ByteBuffer()
    reply.writeInteger(Self.optionReplyMagic)
    reply.writeInteger(option)
    reply.writeInteger(type)
    reply.writeInteger(UInt32(data.readableBytes))
    reply.writeImmutableBuffer(data)
    context.write(wrapOutboundOut(reply), promise: nil)
  }

  private func serve(_ context: ChannelHandlerContext) -> Bool {
    let start = pending.readerIndex
    guard pending.readableBytes >= 28, let magic = pending.getInteger(at: start, as: UInt32.self),
      let flags = pending.getInteger(at: start + 4, as: UInt16.self),
      let type = pending.getInteger(at: start + 6, as: UInt16.self),
      let handle = pending.getInteger(at: start + 8, as: UInt64.self),
      let offset = pending.getInteger(at: start + 16, as: UInt64.self),
      let length = pending.getInteger(at: start + 24, as: UInt32.self)
    else { return false }
    let command = Command(rawValue: type)
    guard magic == Self.requestMagic, length <= Self.longest, command != .disconnect else {
      context.close(promise: nil)
      return false
    }
    let payload = command == .write ? Int(length) : 0
    guard pending.readableBytes >= 28 + payload else { return false }
    pending.moveReaderIndex(forwardBy: 28)
    var answer: [UInt8] = []
    var code: UInt32 = 0
    do {
      switch command {
      case .read: answer = try server.read(at: offset, count: Int(length))
      case .write:
        try server.write(pending.readBytes(length: payload) ?? [], at: offset, isForced: flags & 1 != 0)
      case .flush: try server.flush()
      // EINVAL: it was not offered.
      case .disconnect, nil: code = 22
      }
    } catch {
      // EIO: the machine sees a disk that fails, as it would.
      (answer, code) = ([], 5)
    }
    var reply = ByteBuffer()
    reply.writeInteger(Self.replyMagic)
    reply.writeInteger(code)
    reply.writeInteger(handle)
    reply.writeBytes(answer)
    context.write(wrapOutboundOut(reply), promise: nil)
    return true
  }
}
