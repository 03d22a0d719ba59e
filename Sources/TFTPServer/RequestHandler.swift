import Logging
import NIOCore
import NetworkAddress
import TFTP

/// The port for requests.
final class RequestHandler: ChannelInboundHandler {
  typealias InboundIn = AddressedEnvelope<ByteBuffer>
  typealias OutboundOut = AddressedEnvelope<ByteBuffer>

  private let desk: RequestDesk
  /// The address that the socket is bound to.
  private let address: IPv4Address

  init(desk: RequestDesk, address: IPv4Address) {
    self.desk = desk
    self.address = address
  }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    let envelope = unwrapInboundIn(data)
    guard let peer = PeerAddress(envelope.remoteAddress), peer.port > 0 else { return }
    // A request to a broadcast address gets no answer (RFC 1123 section 4.2.3.5): no socket can be bound to it.
    let destination = envelope.metadata?.packetInfo.flatMap { PeerAddress($0.destinationAddress) }
    let asked = destination?.address ?? address
    guard asked != .broadcast else { return }
    let answer = desk.receive(
      envelope.data, from: peer, address: envelope.remoteAddress, at: asked == .any ? address : asked)
    guard let answer else { return }
    context.writeAndFlush(
      wrapOutboundOut(
        AddressedEnvelope(remoteAddress: envelope.remoteAddress, data: ByteBuffer(bytes: answer.bytes))),
      promise: nil)
  }

  func errorCaught(context: ChannelHandlerContext, error: any Error) {
    // An error of one datagram, as an ICMP answer to an earlier one: the socket goes on.
    desk.logger.debug("TFTP socket", metadata: ["error": "\(error)"])
  }
}
