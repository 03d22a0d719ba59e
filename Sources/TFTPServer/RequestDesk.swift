import Logging
import NIOCore
import NIOPosix
import NetworkAddress
import Synchronization
import TFTP

/// Takes requests and starts transfers. Shared by the sockets of all addresses.
final class RequestDesk: Sendable {
  let configuration: TFTPServerConfiguration
  let logger: Logger
  let table: TransferTable
  private let group: any EventLoopGroup
  private let limits: TFTPLimits
  private let lookup: TFTPLookup
  private let onEvent: @Sendable (TFTPEvent) -> Void
  private let counters = Mutex(TFTPCounters())

  /// `IP_MTU_DISCOVER` of Linux. With 0 (`IP_PMTUDISC_DONT`) packets carry no "don't fragment" mark, so that a path
  /// with a smaller MTU still works.
  private static let mtuDiscovery = ChannelOptions.Types.SocketOption(
    level: .ip, name: NIOBSDSocket.Option(rawValue: 10))

  init(
    configuration: TFTPServerConfiguration, group: any EventLoopGroup, logger: Logger,
    onEvent: @escaping @Sendable (TFTPEvent) -> Void, lookup: @escaping TFTPLookup
  ) {
    self.configuration = configuration
    self.group = group
    self.logger = logger
    self.onEvent = onEvent
    self.lookup = lookup
    limits = TFTPLimits(blockSize: configuration.maximumBlockSize, windowSize: configuration.maximumWindowSize)
    table = TransferTable(
      limit: configuration.transferLimit, limitPerPeer: configuration.transferLimitPerPeer,
      repeatWindow: configuration.repeatWindow)
  }

  var snapshot: TFTPCounters {
    var snapshot = counters.withLock { $0 }
    snapshot.running = table.count
    return snapshot
  }

  /// Handles one datagram; gives the packet to answer from the port for requests, if any.
  func receive(
    _ bytes: ByteBuffer, from peer: PeerAddress, address: SocketAddress, at local: IPv4Address
  ) -> TFTPPacket? {
    counters.withLock { $0.requests += 1 }
    guard configuration.isServed(peer.address) else { return refuse(peer, nil, .notServed) }
    let request: TFTPRequest
    do throws(TFTPParseError) {
      switch try TFTPPacket(parsing: bytes.readableBytesView) {
      case .readRequest(let read): request = read
      case .writeRequest(let write):
        return refuse(peer, write, .writeRequest, .error(.illegalOperation, "this server is read only"))
      case .data, .acknowledgement, .error, .optionAcknowledgement: return refuse(peer, nil, .notARequest)
      }
    } catch {
      return refuse(peer, nil, .malformed(error))
    }
    guard request.mode == .octet else {
      return refuse(peer, request, .unsupportedMode, .error(.illegalOperation, "only mode octet is served"))
    }
    let name: TFTPRequestName
    do throws(TFTPNameError) {
      name = try TFTPRequestName(request.name)
    } catch {
      return refuse(peer, request, .badName(error), .error(.accessViolation, error.description))
    }
    guard let content = lookup(name, peer.address) else {
      return refuse(peer, request, .notFound, .error(.fileNotFound, "file not found"))
    }
    admit(peer, request, name, content, address: address, local: local)
    return nil
  }

  private func admit(
    _ peer: PeerAddress, _ request: TFTPRequest, _ name: TFTPRequestName, _ content: TFTPContent,
    address: SocketAddress, local: IPv4Address
  ) {
    switch table.admit(peer, request) {
    case .pending: break
    case .repeated(let channel): channel.pipeline.fireUserInboundEventTriggered(TransferCommand.requestRepeated)
    // No answer: the client asks again after some seconds, while an ERROR would end its boot.
    case .tooMany: _ = refuse(peer, request, .tooManyTransfers)
    case .start(let number, let ended):
      if let ended { ended.channel.pipeline.fireUserInboundEventTriggered(TransferCommand.end(ended.outcome)) }
      let agreement = TFTPAgreement(options: request.options, size: content.count, limits: limits)
      counters.withLock { $0.started += 1 }
      onEvent(
        .started(
          TFTPTransferStart(
            peer: peer.address, peerPort: peer.port, name: name.path, size: content.count)))
      let job = TransferHandler.Job(
        peer: peer, address: address, number: number, name: name.path, content: content, agreement: agreement,
        table: table, report: { self.ended($0) },
        countStranger: { self.counters.withLock { $0.strangers += 1 } })
      open(job, local: local)
    }
  }

  /// Opens a socket with a port of its own on the address that the client asked.
  private func open(_ job: TransferHandler.Job, local: IPv4Address) {
    let table = table
    let loop = group.next()
    let bootstrap = DatagramBootstrap(group: loop)
      .channelOption(.recvAllocator, value: FixedSizeRecvByteBufferAllocator(capacity: 2048))
      .channelOption(RequestDesk.mtuDiscovery, value: 0)
      .channelInitializer { channel in
        guard table.attach(channel, to: job.peer, number: job.number) else {
          return channel.eventLoop.makeFailedFuture(ChannelError.alreadyClosed)
        }
        return channel.eventLoop.makeCompletedFuture {
          try channel.pipeline.syncOperations.addHandler(TransferHandler(job: job))
        }
      }
    bootstrap.bind(host: local.description, port: 0).whenFailure { error in
      table.remove(job.peer, number: job.number)
      self.noSocket(job, error)
    }
  }

  private func noSocket(_ job: TransferHandler.Job, _ error: any Error) {
    logger.debug("TFTP: no socket for a transfer", metadata: ["error": "\(error)", "client": "\(job.peer.address)"])
    counters.withLock { $0.failed += 1 }
    onEvent(
      .refused(
        TFTPRefusal(
          peer: job.peer.address, peerPort: job.peer.port, name: job.name, reason: .noSocket(String(describing: error)))
      ))
  }

  private func ended(_ report: TFTPTransferReport) {
    counters.withLock { counters in
      if report.outcome.isSuccess { counters.succeeded += 1 } else { counters.failed += 1 }
      counters.bytesSent += report.bytesSent
      counters.blocksResent += report.blocksResent
    }
    logger.debug(
      "TFTP transfer ended",
      metadata: [
        "client": "\(report.peer):\(report.peerPort)", "name": "\(report.name)", "outcome": "\(report.outcome)",
        "bytes": "\(report.bytesSent)", "resent": "\(report.blocksResent)",
      ])
    onEvent(.ended(report))
  }

  private func refuse(
    _ peer: PeerAddress, _ request: TFTPRequest?, _ reason: TFTPRefusal.Reason, _ answer: TFTPPacket? = nil
  ) -> TFTPPacket? {
    counters.withLock { counters in
      counters.refused += 1
      if reason == .tooManyTransfers { counters.tooMany += 1 }
    }
    let name = request.map { TFTPOutcome.printable($0.name) }
    onEvent(.refused(TFTPRefusal(peer: peer.address, peerPort: peer.port, name: name, reason: reason)))
    return answer
  }
}
