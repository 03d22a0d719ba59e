import NIOCore

/// Shows the responder what other servers broadcast.
final class ObserverHandler: ChannelInboundHandler {
  typealias InboundIn = AddressedEnvelope<ByteBuffer>

  private let responder: BootResponder
  private let interface: String

  init(responder: BootResponder, interface: String) {
    self.responder = responder
    self.interface = interface
  }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    responder.observe(Array(unwrapInboundIn(data).data.readableBytesView), interface: interface)
  }

  /// A datagram that can not be read says nothing about the socket.
  func errorCaught(context: ChannelHandlerContext, error: any Error) {}
}
