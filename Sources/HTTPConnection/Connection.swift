import Glibc
import NIOCore
import NIOHTTP1
import NIOPosix

/// One open connection.
struct Connection: Sendable {
  let endpoint: HTTPEndpoint
  let channel: any Channel
  private let handler: NIOLoopBound<ConnectionHandler>

  static func open(to endpoint: HTTPEndpoint, limits: HTTPClientLimits) async throws(HTTPClientError) -> Connection {
    var decoderLimits = NIOHTTPDecoderLimitConfiguration()
    decoderLimits.maxHeaderListSize = limits.maxHeaderBytes
    decoderLimits.maxHeaderFieldSize = limits.maxHeaderBytes
    let decoder = decoderLimits
    let bootstrap = ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
      .connectTimeout(TimeAmount(limits.connectTimeout))
      .channelOption(.autoRead, value: false)
    do {
      let address = try endpoint.socketAddress
      if case .tcp = endpoint {
        return try await bootstrap.channelOption(.tcpOption(.tcp_nodelay), value: 1)
          .connect(to: address) { initialize($0, endpoint: endpoint, limits: limits, decoder: decoder) }
      }
      return try await bootstrap.connect(to: address) {
        initialize($0, endpoint: endpoint, limits: limits, decoder: decoder)
      }
    } catch let error as ChannelError {
      if case .connectTimeout = error { throw .connectTimeout(endpoint) }
      throw .connectFailed(endpoint, reason: "\(error)")
    } catch is CancellationError {
      throw .cancelled
    } catch let error as IOError {
      throw .connectFailed(endpoint, reason: String(cString: strerror(error.errnoCode)))
    } catch {
      throw .connectFailed(endpoint, reason: "\(error)")
    }
  }

  private static func initialize(
    _ channel: any Channel, endpoint: HTTPEndpoint, limits: HTTPClientLimits,
    decoder: NIOHTTPDecoderLimitConfiguration
  ) -> EventLoopFuture<Connection> {
    channel.eventLoop.makeCompletedFuture {
      let pipeline = channel.pipeline.syncOperations
      try pipeline.addHTTPClientHandlers(decoderLimitConfiguration: decoder)
      let handler = ConnectionHandler(endpoint: endpoint, idleTimeout: TimeAmount(limits.idleTimeout))
      try pipeline.addHandler(handler)
      return Connection(
        endpoint: endpoint, channel: channel, handler: NIOLoopBound(handler, eventLoop: channel.eventLoop))
    }
  }

  func nextPart() async throws(HTTPClientError) -> ConnectionHandler.Part {
    let (loop, handler) = (channel.eventLoop, handler)
    return try await guarded { loop.flatSubmit { handler.value.nextPart(on: loop) } }
  }

  func write(_ part: HTTPClientRequestPart) async throws(HTTPClientError) {
    let (loop, handler) = (channel.eventLoop, handler)
    try await guarded { loop.flatSubmit { handler.value.write(part, on: loop) } }
  }

  /// Waits for a future of this connection; a cancelled task closes the connection.
  private func guarded<Value: Sendable>(
    _ start: @Sendable () -> EventLoopFuture<Value>
  ) async throws(HTTPClientError) -> Value {
    if Task.isCancelled {
      close()
      throw .cancelled
    }
    do {
      return try await withTaskCancellationHandler {
        try await start().get()
      } onCancel: {
        close()
      }
    } catch {
      if Task.isCancelled { throw .cancelled }
      throw error as? HTTPClientError ?? .closedEarly(endpoint)
    }
  }

  func becomeIdle() { channel.eventLoop.execute { [handler] in handler.value.becomeIdle() } }

  func becomeBusy() { channel.eventLoop.execute { [handler] in handler.value.becomeBusy() } }

  func close() { channel.close(promise: nil) }
}
