import HTTPConnection
import NIOCore
import NIOHTTP1
import NIOPosix

/// A real HTTP server on the loop-back interface whose answers a test makes up.
enum FakeServer {
  struct Request: Sendable {
    var method: String
    var path: String
    var headers: HTTPHeaders
    var body: [UInt8]

    func header(_ name: String) -> String? { headers.first(name: name) }
  }

  struct Answer: Sendable {
    var status: Int
    var headers: [(name: String, value: String)] = []
    var body: [UInt8] = []
  }

  /// - Parameter answer: nil closes the connection.
  static func serve<Result: Sendable>(
    _ answer: @escaping @Sendable (Request) -> Answer?, while body: (HTTPEndpoint) async throws -> Result
  ) async throws -> Result {
    let channel = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
      .childChannelInitializer { channel in
        channel.eventLoop.makeCompletedFuture {
          try channel.pipeline.syncOperations.configureHTTPServerPipeline()
          try channel.pipeline.syncOperations.addHandler(FakeServerHandler(answer: answer))
        }
      }
      .bind(host: "127.0.0.1", port: 0).get()
    do {
      let result = try await body(.tcp(address: "127.0.0.1", port: channel.localAddress?.port ?? 0))
      try await channel.close()
      return result
    } catch {
      try? await channel.close()
      throw error
    }
  }
}

private final class FakeServerHandler: ChannelInboundHandler {
  typealias InboundIn = HTTPServerRequestPart
  typealias OutboundOut = HTTPServerResponsePart

  private let answer: @Sendable (FakeServer.Request) -> FakeServer.Answer?
  private var head: HTTPRequestHead?
  private var body: [UInt8] = []

  init(answer: @escaping @Sendable (FakeServer.Request) -> FakeServer.Answer?) { self.answer = answer }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    switch unwrapInboundIn(data) {
    case .head(let head):
      self.head = head
      body = []
    case .body(let bytes): body += bytes.readableBytesView
    case .end:
      guard let head,
        let answer = answer(
          FakeServer.Request(method: head.method.rawValue, path: head.uri, headers: head.headers, body: body))
      else {
        context.close(promise: nil)
        return
      }
      var headers = HTTPHeaders(answer.headers.map { ($0.name, $0.value) })
      if answer.status != 204 { headers.add(name: "content-length", value: "\(answer.body.count)") }
      let response = HTTPResponseHead(
        version: .http1_1, status: HTTPResponseStatus(statusCode: answer.status), headers: headers)
      context.write(wrapOutboundOut(.head(response)), promise: nil)
      context.write(wrapOutboundOut(.body(.byteBuffer(ByteBuffer(bytes: answer.body)))), promise: nil)
      context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: nil)
    }
  }
}
