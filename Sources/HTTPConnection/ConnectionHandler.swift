import NIOCore
import NIOHTTP1

/// Hands the parts of answers to one reader, one at a time, and reads from the socket only when the reader waits.
/// Lives on its connection's event loop.
final class ConnectionHandler: ChannelInboundHandler {
  typealias InboundIn = HTTPClientResponsePart

  enum Part: Sendable {
    case head(HTTPResponseHead)
    case body(ByteBuffer)
    case end
  }

  private let endpoint: HTTPEndpoint
  private let idleTimeout: TimeAmount
  private var context: ChannelHandlerContext?
  private var parts = CircularBuffer<Part>()
  private var waiting: EventLoopPromise<Part>?
  private var timeout: Scheduled<Void>?
  private var failure: HTTPClientError?
  private var isIdle = true

  init(endpoint: HTTPEndpoint, idleTimeout: TimeAmount) {
    self.endpoint = endpoint
    self.idleTimeout = idleTimeout
  }

  func handlerAdded(context: ChannelHandlerContext) { self.context = context }

  func handlerRemoved(context: ChannelHandlerContext) {
    fail(.closedEarly(endpoint))
    self.context = nil
  }

  /// Between two exchanges one read stays open, so that a connection which the server closes is seen.
  func becomeIdle() {
    isIdle = true
    if !parts.isEmpty { context?.close(promise: nil) } else { context?.read() }
  }

  func becomeBusy() { isIdle = false }

  func nextPart(on loop: any EventLoop) -> EventLoopFuture<Part> {
    if let part = parts.popFirst() { return loop.makeSucceededFuture(part) }
    if let failure { return loop.makeFailedFuture(failure) }
    guard let context, waiting == nil else { return loop.makeFailedFuture(HTTPClientError.closedEarly(endpoint)) }
    let promise = loop.makePromise(of: Part.self)
    waiting = promise
    startTimeout(context)
    context.read()
    return promise.futureResult
  }

  /// Writes and flushes; fails when the other side takes nothing for too long.
  func write(_ part: HTTPClientRequestPart, on loop: any EventLoop) -> EventLoopFuture<Void> {
    guard let context, failure == nil else {
      return loop.makeFailedFuture(failure ?? HTTPClientError.closedEarly(endpoint))
    }
    startTimeout(context)
    let written = context.writeAndFlush(NIOAny(part))
    let bound = NIOLoopBound(self, eventLoop: loop)
    written.whenComplete { _ in if bound.value.waiting == nil { bound.value.stopTimeout() } }
    return written
  }

  private func startTimeout(_ context: ChannelHandlerContext) {
    stopTimeout()
    let bound = NIOLoopBound(self, eventLoop: context.eventLoop)
    timeout = context.eventLoop.scheduleTask(in: idleTimeout) { bound.value.timeOut() }
  }

  private func stopTimeout() {
    timeout?.cancel()
    timeout = nil
  }

  private func timeOut() {
    fail(.idleTimeout(endpoint))
    context?.close(promise: nil)
  }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    guard !isIdle, failure == nil else {
      fail(.malformedResponse(endpoint, reason: "it spoke without being asked"))
      context.close(promise: nil)
      return
    }
    let part: Part
    switch unwrapInboundIn(data) {
    case .head(let head): part = .head(head)
    case .body(let bytes): part = .body(bytes)
    case .end: part = .end
    }
    if let promise = waiting {
      waiting = nil
      stopTimeout()
      promise.succeed(part)
    } else {
      parts.append(part)
    }
  }

  func channelReadComplete(context: ChannelHandlerContext) {
    if waiting != nil {
      // Bytes came, but no whole part yet: the server is not silent.
      startTimeout(context)
      context.read()
    }
  }

  func channelInactive(context: ChannelHandlerContext) {
    fail(.closedEarly(endpoint))
    context.fireChannelInactive()
  }

  func errorCaught(context: ChannelHandlerContext, error: any Error) {
    switch error {
    case HTTPParserError.invalidEOFState: fail(.closedEarly(endpoint))
    case let error as HTTPParserError: fail(.malformedResponse(endpoint, reason: "\(error)"))
    case is IOError, is ChannelError: fail(.closedEarly(endpoint))
    default: fail(.malformedResponse(endpoint, reason: "\(error)"))
    }
    context.close(promise: nil)
  }

  private func fail(_ error: HTTPClientError) {
    if failure == nil { failure = error }
    stopTimeout()
    let promise = waiting
    waiting = nil
    promise?.fail(failure ?? error)
  }
}
