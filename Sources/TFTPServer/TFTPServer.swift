public import Logging
public import NIOCore
public import NIOPosix
import NetworkAddress
public import ServiceLifecycle
import Synchronization
import TFTP

/// A TFTP server that only reads, from memory: names are looked up, and no path of a file system is ever opened.
public final class TFTPServer: Service {
  private enum State {
    case idle([CheckedContinuation<[SocketAddress], any Error>])
    case listening([SocketAddress])
    case failed(any Error)
  }

  private let desk: RequestDesk
  private let group: any EventLoopGroup
  private let logger: Logger
  private let state = Mutex(State.idle([]))

  /// - Parameters:
  ///   - onEvent: told of every transfer and refusal, on an event loop; it must not block.
  ///   - lookup: finds the content of a name.
  public init(
    configuration: TFTPServerConfiguration, group: any EventLoopGroup = MultiThreadedEventLoopGroup.singleton,
    logger: Logger, onEvent: @escaping @Sendable (TFTPEvent) -> Void = { _ in }, lookup: @escaping TFTPLookup
  ) {
    self.group = group
    self.logger = logger
    desk = RequestDesk(configuration: configuration, group: group, logger: logger, onEvent: onEvent, lookup: lookup)
  }

  public var counters: TFTPCounters { desk.snapshot }

  /// Empty until the server listens.
  public var boundAddresses: [SocketAddress] {
    state.withLock { if case .listening(let addresses) = $0 { addresses } else { [] } }
  }

  /// - Throws: what ``run()`` throws, where it can not listen.
  @discardableResult
  public func waitUntilListening() async throws -> [SocketAddress] {
    try await withCheckedThrowingContinuation { continuation in
      state.withLock { state in
        switch state {
        case .idle(let waiting): state = .idle(waiting + [continuation])
        case .listening(let addresses): continuation.resume(returning: addresses)
        case .failed(let error): continuation.resume(throwing: error)
        }
      }
    }
  }

  /// Serves until graceful shutdown or cancellation, which end running transfers.
  /// - Throws: ``TFTPServerError`` where it can not listen.
  public func run() async throws {
    let listeners: [any Channel]
    do {
      listeners = try await listen()
    } catch {
      settle(.failed(error))
      throw error
    }
    settle(.listening(listeners.compactMap(\.localAddress)))
    logger.info("TFTP listens", metadata: ["addresses": "\(listeners.compactMap(\.localAddress))"])
    try? await gracefulShutdown()
    settle(.failed(CancellationError()))
    for listener in listeners { try? await listener.close() }
    for channel in desk.table.channels {
      channel.pipeline.fireUserInboundEventTriggered(TransferCommand.end(.serverStopped))
      try? await channel.closeFuture.get()
    }
  }

  private func settle(_ new: State) {
    let waiting = state.withLock { state -> [CheckedContinuation<[SocketAddress], any Error>] in
      defer { state = new }
      if case .idle(let waiting) = state { return waiting }
      return []
    }
    for continuation in waiting {
      switch new {
      case .listening(let addresses): continuation.resume(returning: addresses)
      case .failed(let error): continuation.resume(throwing: error)
      case .idle: continuation.resume(throwing: CancellationError())
      }
    }
  }

  private func listen() async throws -> [any Channel] {
    let configuration = desk.configuration
    guard !configuration.addresses.isEmpty else { throw TFTPServerError.noAddress }
    var listeners: [any Channel] = []
    for address in configuration.addresses {
      do {
        listeners.append(try await listen(on: address, port: configuration.port))
      } catch {
        for listener in listeners { try? await listener.close() }
        throw TFTPServerError(error, address: address, port: configuration.port)
      }
    }
    return listeners
  }

  private func listen(on address: IPv4Address, port: Int) async throws -> any Channel {
    let desk = desk
    // The longest request and one byte, so that a longer one is recognised; 16 of them in one call.
    let messages = 16
    return try await DatagramBootstrap(group: group)
      .channelOption(.datagramVectorReadMessageCount, value: messages)
      .channelOption(.recvAllocator, value: FixedSizeRecvByteBufferAllocator(capacity: messages * 2048))
      .channelOption(.receivePacketInfo, value: true)
      .channelInitializer { channel in
        channel.eventLoop.makeCompletedFuture {
          try channel.pipeline.syncOperations.addHandler(RequestHandler(desk: desk, address: address))
        }
      }
      .bind(host: address.description, port: port).get()
  }
}
