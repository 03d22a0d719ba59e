import NetworkAddress
import TFTP

/// A client's side of one TFTP transfer.
final class TFTPDownload {
  enum Result: Equatable {
    case file([UInt8])
    /// The answer to a request that was made for the size only.
    case size(Int?)
    case error(TFTPErrorCode)
    case timedOut
    /// Options that were not asked for or have a value that the client refuses.
    case refusedOptions
    case noOptionAcknowledgement
  }

  /// What becomes of a block that is not the next.
  enum Disorder {
    /// EDK2 (Mtftp4Rrq.c) and iPXE: dropped; an acknowledgement of the last block in order for each.
    case acknowledge
    /// U-Boot: dropped; its own timer sends the acknowledgement once more.
    case ignore
  }

  struct Manner {
    var options: [TFTPOption]
    /// One for each time that the last packet is sent again.
    var timeouts: [Duration]
    var disorder = Disorder.ignore
    /// The text and code of the abort after the option acknowledgement, for clients that only ask for the size.
    var probe: (code: TFTPErrorCode, text: String)?
    var needsOptionAcknowledgement = false
  }

  private let client: SimulatedClient
  private let name: String
  private let server: IPv4Address
  private let manner: Manner
  private let done: (Result) -> Void
  private let port: UInt16
  private var serverPort: UInt16?
  private var blockSize = 512
  private var windowSize = 1
  private var expected = 1
  private var sinceAcknowledgement = 0
  private var content: [UInt8] = []
  private var lastPacket: TFTPPacket
  private var timeouts: ArraySlice<Duration>
  private var generation = 0
  private var isOver = false

  init(
    _ client: SimulatedClient, name: String, server: IPv4Address, manner: Manner, done: @escaping (Result) -> Void
  ) {
    self.client = client
    self.name = name
    self.server = server
    self.manner = manner
    self.done = done
    port = client.freePort()
    timeouts = manner.timeouts[...]
    lastPacket = .readRequest(TFTPRequest(name: Array(name.utf8), options: manner.options))
  }

  func start() {
    client.listen(on: port) { self.receive($0) }
    send(lastPacket)
    armTimer()
  }

  private func send(_ packet: TFTPPacket) {
    lastPacket = packet
    client.send(packet.bytes, from: port, to: Endpoint(server, serverPort ?? 69))
  }

  private func end(_ result: Result) {
    isOver = true
    client.close(port)
    done(result)
  }

  private func armTimer() {
    generation += 1
    let generation = generation
    guard let timeout = timeouts.popFirst() else { return end(.timedOut) }
    client.lan.after(timeout) { [self] in
      guard !isOver, generation == self.generation else { return }
      send(lastPacket)
      armTimer()
    }
  }

  private func progress() {
    timeouts = manner.timeouts[...]
    armTimer()
  }

  private func receive(_ datagram: Datagram) {
    guard !isOver, datagram.source.address == server, datagram.source.port == serverPort ?? datagram.source.port,
      let packet = try? TFTPPacket(parsing: datagram.payload)
    else { return }
    switch packet {
    case .error(let code, _): end(.error(code))
    case .optionAcknowledgement(let options): acknowledged(options, from: datagram.source.port)
    case .data(let block, let payload): data(block, payload, from: datagram.source.port)
    case .readRequest, .writeRequest, .acknowledgement: break
    }
  }

  private func acknowledged(_ options: [TFTPOption], from source: UInt16) {
    guard expected == 1, content.isEmpty else { return }
    serverPort = source
    for option in options {
      guard let asked = manner.options.first(where: { $0.kind == option.kind }), let value = option.number,
        let limit = asked.number
      else { return refuse() }
      switch option.kind {
      case .blockSize where value <= limit: blockSize = value
      case .windowSize where value <= limit: windowSize = value
      case .transferSize: break
      case .timeout where value == limit: break
      default: return refuse()
      }
    }
    if let probe = manner.probe {
      send(.error(probe.code, probe.text))
      return end(.size(options.first { $0.kind == .transferSize }?.number))
    }
    send(.acknowledgement(block: 0))
    progress()
  }

  private func refuse() {
    send(.error(.optionRefused, "Malformatted OACK"))
    end(.refusedOptions)
  }

  private func data(_ block: UInt16, _ payload: [UInt8], from source: UInt16) {
    if serverPort == nil {
      if manner.needsOptionAcknowledgement { return end(.noOptionAcknowledgement) }
      serverPort = source
    }
    guard block == UInt16(truncatingIfNeeded: expected) else {
      if manner.disorder == .acknowledge { acknowledge() }
      return
    }
    content += payload
    expected += 1
    sinceAcknowledgement += 1
    if payload.count < blockSize {
      acknowledge()
      return end(.file(content))
    }
    if sinceAcknowledgement == windowSize { acknowledge() }
    progress()
  }

  private func acknowledge() {
    sinceAcknowledgement = 0
    send(.acknowledgement(block: UInt16(truncatingIfNeeded: expected - 1)))
  }
}
