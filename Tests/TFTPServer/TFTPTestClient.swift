import NIOCore
import NIOPosix
import TFTP
import Testing

/// A client on a socket of its own, that a test leads packet by packet.
final class TFTPTestClient: Sendable {
  struct Received: Sendable {
    let packet: TFTPPacket
    let from: SocketAddress
  }

  private final class Collector: ChannelInboundHandler, Sendable {
    typealias InboundIn = AddressedEnvelope<ByteBuffer>
    let continuation: AsyncStream<Received>.Continuation

    init(_ continuation: AsyncStream<Received>.Continuation) { self.continuation = continuation }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
      let envelope = unwrapInboundIn(data)
      if let packet = try? TFTPPacket(parsing: envelope.data.readableBytesView) {
        continuation.yield(Received(packet: packet, from: envelope.remoteAddress))
      }
    }
  }

  let channel: any Channel
  private let stream: AsyncStream<Received>

  init() async throws {
    let (stream, continuation) = AsyncStream.makeStream(of: Received.self)
    self.stream = stream
    channel = try await DatagramBootstrap(group: MultiThreadedEventLoopGroup.singleton)
      .channelInitializer { $0.pipeline.addHandler(Collector(continuation)) }
      .bind(host: "127.0.0.1", port: 0).get()
  }

  func send(_ packet: TFTPPacket, to address: SocketAddress) async throws { try await send(packet.bytes, to: address) }

  func send(_ bytes: [UInt8], to address: SocketAddress) async throws {
    try await channel.writeAndFlush(AddressedEnvelope(remoteAddress: address, data: ByteBuffer(bytes: bytes)))
  }

  /// The next packet, or nil where none comes for so long.
  func receive(within limit: Duration = .seconds(20)) async -> Received? {
    await withTaskGroup(of: Received?.self) { group in
      group.addTask {
        var iterator = self.stream.makeAsyncIterator()
        return await iterator.next()
      }
      group.addTask {
        try? await Task.sleep(for: limit)
        return nil
      }
      defer { group.cancelAll() }
      return await group.next() ?? nil
    }
  }

  func request(_ name: String, _ options: [TFTPOption] = [], at address: SocketAddress) async throws {
    try await send(.readRequest(TFTPRequest(name: Array(name.utf8), options: options)), to: address)
  }

  /// Downloads a file, block by block; acknowledges each full window.
  func download(_ name: String, _ options: [TFTPOption] = [], at address: SocketAddress) async throws -> [UInt8] {
    try await request(name, options, at: address)
    var bytes: [UInt8] = []
    var (blockSize, windowSize, next) = (512, 1, 1)
    while true {
      let received = try #require(await receive())
      switch received.packet {
      case .optionAcknowledgement(let answered):
        for option in answered {
          if option.kind == .blockSize { blockSize = option.number ?? 0 }
          if option.kind == .windowSize { windowSize = option.number ?? 0 }
        }
        try await send(.acknowledgement(block: 0), to: received.from)
      case .data(let block, let payload) where block == UInt16(truncatingIfNeeded: next):
        bytes += payload
        if next % windowSize == 0 || payload.count < blockSize {
          try await send(.acknowledgement(block: block), to: received.from)
        }
        if payload.count < blockSize { return bytes }
        next += 1
      case .data: try await send(.acknowledgement(block: UInt16(truncatingIfNeeded: next - 1)), to: received.from)
      case .error(let code, let message):
        throw Refusal(code: code, text: String(decoding: message, as: UTF8.self))
      default: Issue.record("\(received.packet)")
      }
    }
  }

  struct Refusal: Error, Equatable {
    let code: TFTPErrorCode
    let text: String
  }
}
