import HTTPConnection
import NIOCore
import NIOPosix
import Synchronization

/// A real server on the loop-back interface that says exactly the bytes a test gives it.
final class ScriptedConnection {
  private var inbound: NIOAsyncChannelInboundStream<ByteBuffer>.AsyncIterator
  private let outbound: NIOAsyncChannelOutboundWriter<ByteBuffer>
  private var buffer = ByteBuffer()
  /// 1 for the first connection of a test.
  let number: Int

  init(
    inbound: NIOAsyncChannelInboundStream<ByteBuffer>, outbound: NIOAsyncChannelOutboundWriter<ByteBuffer>,
    number: Int
  ) {
    self.inbound = inbound.makeAsyncIterator()
    self.outbound = outbound
    self.number = number
  }

  /// Everything up to the next occurrence of `end`, or nil when the client closed before.
  func read(until end: String) async throws -> String? {
    while true {
      let text = String(buffer: buffer)
      if let range = text.utf8.firstRange(of: Array(end.utf8)) {
        let length = text.utf8.distance(from: text.startIndex, to: range.upperBound)
        return buffer.readString(length: length)
      }
      guard let more = try await inbound.next() else { return nil }
      buffer.writeImmutableBuffer(more)
    }
  }

  func readHead() async throws -> String? { try await read(until: "\r\n\r\n") }

  /// Exactly so many bytes, or nil when the client closed before.
  func read(count: Int) async throws -> [UInt8]? {
    while buffer.readableBytes < count {
      guard let more = try await inbound.next() else { return nil }
      buffer.writeImmutableBuffer(more)
    }
    return buffer.readBytes(length: count)
  }

  func write(_ text: String) async throws { try await outbound.write(ByteBuffer(string: text)) }

  func write(_ bytes: [UInt8]) async throws { try await outbound.write(ByteBuffer(bytes: bytes)) }

  /// Waits until the client closes.
  func waitForClose() async throws { while try await inbound.next() != nil {} }
}

/// Runs `body` against a server that plays `script` on each connection and closes it at the script's end.
func withServer(
  unixSocket: String? = nil,
  script: @escaping @Sendable (ScriptedConnection) async throws -> Void,
  body: @Sendable (HTTPEndpoint) async throws -> Void
) async throws {
  let bootstrap = ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
    .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
    .childChannelOption(.autoRead, value: false)
  // Plain channels: a wrapped one that nobody runs, because the test is over, would be an error.
  let keep: @Sendable (any Channel) -> EventLoopFuture<any Channel> = { $0.eventLoop.makeSucceededFuture($0) }
  let server: NIOAsyncChannel<any Channel, Never>
  if let unixSocket {
    server = try await bootstrap.bind(unixDomainSocketPath: unixSocket, childChannelInitializer: keep)
  } else {
    server = try await bootstrap.bind(host: "127.0.0.1", port: 0, childChannelInitializer: keep)
  }
  let endpoint: HTTPEndpoint =
    if let unixSocket { .unixSocket(path: unixSocket) } else {
      .tcp(address: "127.0.0.1", port: server.channel.localAddress?.port ?? 0)
    }
  try await withThrowingTaskGroup(of: Void.self) { group in
    group.addTask {
      try await server.executeThenClose { connections in
        try await withThrowingDiscardingTaskGroup { children in
          var number = 0
          for try await connection in connections {
            number += 1
            let ordinal = number
            children.addTask {
              // A client that goes away is part of many tests.
              let channel = try? await connection.eventLoop.submit {
                try NIOAsyncChannel<ByteBuffer, ByteBuffer>(wrappingChannelSynchronously: connection)
              }.get()
              try? await channel?.executeThenClose { inbound, outbound in
                try await connection.setOption(.autoRead, value: true).get()
                try await script(ScriptedConnection(inbound: inbound, outbound: outbound, number: ordinal))
              }
            }
          }
        }
      }
    }
    do {
      try await body(endpoint)
      group.cancelAll()
    } catch {
      group.cancelAll()
      throw error
    }
    while let result = await group.nextResult() {
      if case .failure(let error) = result, !(error is CancellationError) { throw error }
    }
  }
}

/// Notes that tests and scripts share.
final class Notes: Sendable {
  private let lines = Mutex<[String]>([])
  var all: [String] { lines.withLock { $0 } }
  func add(_ line: String) { lines.withLock { $0.append(line) } }
}
