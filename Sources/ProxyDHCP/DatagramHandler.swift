import BootDecision
import NIOCore
import NetworkAddress

/// Hands datagrams of one socket to the responder, and sends what it answers.
final class DatagramHandler: ChannelInboundHandler {
  typealias InboundIn = AddressedEnvelope<ByteBuffer>
  typealias OutboundOut = AddressedEnvelope<ByteBuffer>

  private let responder: BootResponder
  private let port: BootPort
  private let interface: String
  private let broadcast: SocketAddress
  private let relayPort: Int
  private let delayedReplies: Int
  private var waiting = 0

  init(
    responder: BootResponder, port: BootPort, interface: String, broadcast: SocketAddress,
    configuration: ProxyDHCPConfiguration
  ) {
    self.responder = responder
    self.port = port
    self.interface = interface
    self.broadcast = broadcast
    relayPort = configuration.relayPort
    delayedReplies = configuration.delayedReplies
  }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    let request = unwrapInboundIn(data)
    guard let source = IPv4Address(request.remoteAddress) else { return }
    let bytes = Array(request.data.readableBytesView)
    guard let reply = responder.respond(to: bytes, port: port, interface: interface, source: source) else { return }
    let destination: SocketAddress
    switch reply.destination {
    case .broadcast: destination = broadcast
    case .sender: destination = request.remoteAddress
    case .relay(let address):
      guard let relay = try? address.socketAddress(port: relayPort) else { return }
      destination = relay
    }
    let envelope = AddressedEnvelope(remoteAddress: destination, data: ByteBuffer(bytes: reply.bytes))
    if reply.delay == 0 {
      write(context, envelope)
    } else {
      writeLater(context, envelope, delay: reply.delay)
    }
  }

  func channelReadComplete(context: ChannelHandlerContext) { context.flush() }

  /// A datagram that can not be read or sent says nothing about the socket.
  func errorCaught(context: ChannelHandlerContext, error: any Error) {
    responder.count { $0.sendFailures += 1 }
  }

  private func write(_ context: ChannelHandlerContext, _ envelope: AddressedEnvelope<ByteBuffer>) {
    guard context.channel.isWritable else { return responder.count { $0.sendFailures += 1 } }
    let written = context.eventLoop.makePromise(of: Void.self)
    written.futureResult.whenFailure { [responder] _ in responder.count { $0.sendFailures += 1 } }
    context.write(wrapOutboundOut(envelope), promise: written)
  }

  private func writeLater(_ context: ChannelHandlerContext, _ envelope: AddressedEnvelope<ByteBuffer>, delay: Int) {
    guard waiting < delayedReplies else { return responder.count { $0.sendFailures += 1 } }
    waiting += 1
    context.eventLoop.assumeIsolated().scheduleTask(in: .milliseconds(Int64(delay))) {
      self.waiting -= 1
      guard context.channel.isActive else { return }
      self.write(context, envelope)
      context.flush()
    }
  }
}
