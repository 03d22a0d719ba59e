import NetworkAddress
import TFTP

/// The host that a TFTP server runs on.
protocol TFTPOwner: SimulatedHost {
  /// - Parameter isWhole: false where the client only asked for the size.
  func transferEnded(_ name: String, to peer: IPv4Address, isWhole: Bool)
}

/// The part of the TFTP server between a socket and ``TFTPTransfer``. The server's own (`RequestDesk`,
/// `TransferHandler`) opens sockets; this follows it step by step, around the same packets, names, agreements and
/// transfers.
final class SimulatedTFTP {
  private final class Transfer {
    let name: String
    let request: TFTPRequest
    let content: [UInt8]
    let peer: Endpoint
    let port: UInt16
    var state: TFTPTransfer
    var timer: Duration?

    init(name: String, request: TFTPRequest, content: [UInt8], peer: Endpoint, port: UInt16, now: Duration) {
      self.name = name
      self.request = request
      self.content = content
      self.peer = peer
      self.port = port
      state = TFTPTransfer(
        size: content.count, agreement: TFTPAgreement(options: request.options, size: content.count), now: now)
    }
  }

  let lan: SimulatedLAN
  let files: [String: [UInt8]]
  weak var owner: (any TFTPOwner)?
  /// Of all transfers that ended, in order.
  private(set) var outcomes: [TFTPOutcome] = []
  private(set) var counts: [TFTPTransferCounts] = []
  private(set) var refused: [String] = []
  /// Datagrams sent to each address.
  private(set) var sent: [IPv4Address: Int] = [:]
  private let address: IPv4Address
  private var transfers: [UInt16: Transfer] = [:]
  private var ports: [Endpoint: UInt16] = [:]
  private var nextPort: UInt16 = 32_768

  init(_ lan: SimulatedLAN, address: IPv4Address, files: [String: [UInt8]]) {
    self.lan = lan
    self.address = address
    self.files = files
  }

  var running: Int { transfers.count }

  func receive(_ datagram: Datagram) {
    let packet: TFTPPacket
    do throws(TFTPParseError) { packet = try TFTPPacket(parsing: datagram.payload) } catch { return }
    guard datagram.destination.port != 69 else { return request(packet, from: datagram.source) }
    guard let transfer = transfers[datagram.destination.port] else { return }
    guard transfer.peer == datagram.source else {
      return send(.error(.unknownTransferID, "unknown transfer ID"), to: datagram.source, from: transfer.port)
    }
    perform(transfer.state.received(packet, now: lan.now), transfer)
  }

  private func request(_ packet: TFTPPacket, from peer: Endpoint) {
    guard case .readRequest(let request) = packet, request.mode == .octet else {
      return send(.error(.illegalOperation, "this server is read only"), to: peer, from: 69)
    }
    guard let name = try? TFTPRequestName(request.name), let content = files[name.path] else {
      refused.append(TFTPOutcome.printable(request.name))
      return send(.error(.fileNotFound, "file not found"), to: peer, from: 69)
    }
    if let port = ports[peer], let running = transfers[port] {
      if !running.state.wasHeard, running.request == request {
        return perform(running.state.requestRepeated(now: lan.now), running)
      }
      perform(running.state.stop(.restarted), running)
    }
    repeat { nextPort = nextPort == .max ? 32_768 : nextPort + 1 } while transfers[nextPort] != nil
    let transfer = Transfer(
      name: name.path, request: request, content: content, peer: peer, port: nextPort, now: lan.now)
    transfers[nextPort] = transfer
    ports[peer] = nextPort
    perform(transfer.state.start(now: lan.now), transfer)
  }

  private func perform(_ action: TFTPTransfer.Action, _ transfer: Transfer) {
    switch action {
    case .nothing: break
    case .sendOptionAcknowledgement:
      send(
        .optionAcknowledgement(transfer.state.agreement.acknowledged), to: transfer.peer, from: transfer.port)
    case .sendBlocks(let blocks):
      for block in blocks {
        let payload = Array(transfer.content[transfer.state.range(of: block)])
        send(
          .data(block: UInt16(truncatingIfNeeded: block), payload: payload), to: transfer.peer, from: transfer.port)
      }
    case .end(let outcome): return end(transfer, outcome)
    }
    schedule(transfer)
  }

  private func end(_ transfer: Transfer, _ outcome: TFTPOutcome) {
    guard transfers.removeValue(forKey: transfer.port) != nil else { return }
    if ports[transfer.peer] == transfer.port { ports[transfer.peer] = nil }
    outcomes.append(outcome)
    counts.append(transfer.state.counts)
    guard outcome.isSuccess else { return }
    owner?.transferEnded(transfer.name, to: transfer.peer.address, isWhole: outcome != .sizeOnly)
  }

  /// As the server's handler: a timer that is early looks again.
  private func schedule(_ transfer: Transfer) {
    let deadline = transfer.state.deadline
    if let timer = transfer.timer, timer <= deadline { return }
    transfer.timer = deadline
    lan.after(max(deadline - lan.now, .zero)) { [weak self, weak transfer] in
      guard let self, let transfer, transfer.timer == deadline, transfers[transfer.port] === transfer else { return }
      transfer.timer = nil
      perform(transfer.state.timerFired(now: lan.now), transfer)
    }
  }

  private func send(_ packet: TFTPPacket, to peer: Endpoint, from port: UInt16) {
    guard let owner else { return }
    sent[peer.address, default: 0] += 1
    lan.send(
      Datagram(source: Endpoint(address, port), destination: peer, payload: packet.bytes), from: owner, on: .lan)
  }
}
