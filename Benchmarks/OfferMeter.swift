import NetworkAddress

/// Sends DISCOVERs, each of another machine, and matches the offers.
struct OfferMeter: ~Copyable {
  /// An offer that comes later than this counts as lost.
  private static let patience: UInt64 = 1_000_000_000

  private let socket: DatagramSocket
  private let destination = SocketAddress(.broadcast, port: 67)
  private var packet = DiscoverPacket()
  private var buffer = [UInt8](repeating: 0, count: 2048)
  private let firstNumber: UInt32
  /// When each DISCOVER left; 0 once it is settled.
  private var departures: [UInt64] = []
  /// All before it are settled.
  private var oldest = 0

  /// In nanoseconds, in order of arrival.
  private(set) var latencies: [UInt64] = []
  private(set) var lost = 0
  private(set) var inFlight = 0
  var sent: Int { departures.count }

  /// - Parameter firstNumber: of the first machine; the others follow. See ``DiscoverPacket/become(_:)``.
  init(device: String, firstNumber: UInt32 = .random(in: 0...UInt32.max)) throws(SystemFailure) {
    self.firstNumber = firstNumber
    socket = try DatagramSocket(port: 68, device: device)
    departures.reserveCapacity(1 << 20)
    latencies.reserveCapacity(1 << 20)
  }

  mutating func send() throws(SystemFailure) {
    packet.become(firstNumber &+ UInt32(truncatingIfNeeded: departures.count))
    departures.append(monotonicNanoseconds())
    inFlight += 1
    try socket.send(packet.bytes, to: destination)
  }

  /// Takes all offers that are there, and waits for the first.
  mutating func receive(milliseconds: Int32) {
    guard socket.wait(milliseconds: milliseconds) else { return expire() }
    var sender = SocketAddress()
    var taken = 0
    while taken < 64, let count = socket.receive(into: &buffer, from: &sender) {
      taken += 1
      guard let number = DiscoverPacket.number(ofOffer: buffer, count: count) else { continue }
      let index = Int(number &- firstNumber)
      guard index < departures.count, departures[index] != 0 else { continue }
      latencies.append(monotonicNanoseconds() - departures[index])
      departures[index] = 0
      inFlight -= 1
    }
    expire()
  }

  private mutating func expire() {
    let now = monotonicNanoseconds()
    while oldest < departures.count {
      if departures[oldest] != 0 {
        guard now > departures[oldest] + Self.patience else { return }
        departures[oldest] = 0
        inFlight -= 1
        lost += 1
      }
      oldest += 1
    }
  }

  /// Waits for what is still on its way.
  mutating func settle() {
    while inFlight > 0 { receive(milliseconds: 50) }
  }

  func printLatencies() {
    let sorted = latencies.sorted()
    guard !sorted.isEmpty else { return }
    for (name, part) in [("p50_ms", 0.5), ("p99_ms", 0.99), ("max_ms", 1)] {
      let index = min(Int(Double(sorted.count) * part), sorted.count - 1)
      printFigure(name, Double(sorted[index]) / 1e6)
    }
  }
}
