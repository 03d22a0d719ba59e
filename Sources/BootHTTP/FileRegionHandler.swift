import NIOCore
import NIOHTTP1

/// Asks the connection to send a part of an open file as the next piece of the response body.
struct SendFileRegion: Sendable {
  let region: FileRegion
}

/// Writes file regions below the HTTP types codec, so that the kernel copies them (`sendfile`) and no byte of a large
/// file passes through the process.
final class FileRegionHandler: ChannelDuplexHandler, RemovableChannelHandler {
  typealias InboundIn = HTTPServerRequestPart
  typealias InboundOut = HTTPServerRequestPart
  typealias OutboundIn = HTTPServerResponsePart
  typealias OutboundOut = HTTPServerResponsePart

  func triggerUserOutboundEvent(context: ChannelHandlerContext, event: Any, promise: EventLoopPromise<Void>?) {
    guard let send = event as? SendFileRegion else {
      return context.triggerUserOutboundEvent(event, promise: promise)
    }
    context.writeAndFlush(wrapOutboundOut(.body(.fileRegion(send.region))), promise: promise)
  }
}
