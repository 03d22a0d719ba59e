import NIOCore
import NIOHTTP1

/// Asks the connection to send a part of an open file as the next piece of the response body.
struct SendFileRegion: Sendable {
  let region: FileRegion
}

/// What has to happen below the HTTP types codec: file regions are written there, so that the kernel copies them
/// (`sendfile`) and no byte of a large file passes through the process; and a client that asks before it sends its body
/// (`Expect: 100-continue`, RFC 9110 10.1.1) is told to go on. `nix copy` asks so for each file, and waits a second
/// where nobody answers.
final class FileRegionHandler: ChannelDuplexHandler, RemovableChannelHandler {
  typealias InboundIn = HTTPServerRequestPart
  typealias InboundOut = HTTPServerRequestPart
  typealias OutboundIn = HTTPServerResponsePart
  typealias OutboundOut = HTTPServerResponsePart

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    if case .head(let head) = unwrapInboundIn(data), head.headers[canonicalForm: "expect"].contains("100-continue") {
      context.writeAndFlush(
        wrapOutboundOut(.head(HTTPResponseHead(version: head.version, status: .continue))), promise: nil)
    }
    context.fireChannelRead(data)
  }

  func triggerUserOutboundEvent(context: ChannelHandlerContext, event: Any, promise: EventLoopPromise<Void>?) {
    guard let send = event as? SendFileRegion else {
      return context.triggerUserOutboundEvent(event, promise: promise)
    }
    context.writeAndFlush(wrapOutboundOut(.body(.fileRegion(send.region))), promise: promise)
  }
}
