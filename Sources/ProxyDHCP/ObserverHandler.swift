import NIOCore
import NetworkAddress

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
    let datagram = unwrapInboundIn(data)
    guard let source = IPv4Address(datagram.remoteAddress) else { return }
    responder.observe(datagram.data.readableBytesView, from: source, interface: interface)
  }

  /// A datagram that can not be read says nothing about the socket.
  func errorCaught(context: ChannelHandlerContext, error: any Error) {}
}
