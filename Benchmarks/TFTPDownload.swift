import Glibc

/// A client that fetches one file by RFC 1350, 2348 and 7440, and compares what it gets with what it should get.
final class TFTPDownload {
  enum Failure: Error, CustomStringConvertible {
    case refused(String)
    case wrongContent(block: Int)
    case noProgress(block: Int)
    case optionsIgnored

    var description: String {
      switch self {
      case .refused(let text): "the server refuses: \(text)"
      case .wrongContent(let block): "block \(block) is not what the file has"
      case .noProgress(let block): "no progress at block \(block)"
      case .optionsIgnored: "the server does not take the options blksize and windowsize as asked"
      }
    }
  }

  /// As patient as firmware.
  private static let timeout: UInt64 = 1_000_000_000
  private static let tries = 20
  /// Of a packet that is overtaken.
  private static let longestDelay: UInt64 = 5_000_000

  let socket: DatagramSocket
  private let server: SocketAddress
  private var peer: SocketAddress?
  private let request: [UInt8]
  private let blockSize: Int
  private let windowSize: Int
  private let reference: [UInt8]
  /// EDK2 acknowledges the last block in order for each block that it did not expect; others do it once for a gap.
  private let acknowledgesEachStray: Bool
  private var faults: NetworkFaults

  private var expected = 1
  private var inWindow = 0
  /// The last block that came out of order since there was progress.
  private var stray: Int?
  /// A packet that the next one overtakes, and when it comes if there is no next one.
  private var held: (packet: [UInt8], until: UInt64)?
  private var lastAction = monotonicNanoseconds()
  private var triesLeft = TFTPDownload.tries

  private(set) var isDone = false
  /// Payload that reached this host, before faults.
  private(set) var bytesArrived = 0

  init(
    name: String, server: SocketAddress, blockSize: Int, windowSize: Int, reference: [UInt8],
    acknowledgesEachStray: Bool, faults: NetworkFaults
  ) throws {
    socket = try DatagramSocket()
    self.server = server
    self.blockSize = blockSize
    self.windowSize = windowSize
    self.reference = reference
    self.acknowledgesEachStray = acknowledgesEachStray
    self.faults = faults
    var fields = [name, "octet", "blksize", String(blockSize)]
    if windowSize > 1 { fields += ["windowsize", String(windowSize)] }
    request = [0, 1] + fields.flatMap { Array($0.utf8) + [0] }
    try socket.send(request, to: server)
  }

  /// Handles all datagrams that are there.
  func receive(into buffer: inout [UInt8]) throws {
    var sender = SocketAddress()
    var taken = 0
    while !isDone, taken < 256, let count = socket.receive(into: &buffer, from: &sender) {
      taken += 1
      guard count >= 4 else { continue }
      if peer == nil { peer = sender }
      guard sender.storage.sin_port == peer?.storage.sin_port else { continue }
      if buffer[1] == 3 { bytesArrived += count - 4 }
      if faults.loses() { continue }
      if held == nil, buffer[1] == 3, faults.reorders() {
        held = (Array(buffer[..<count]), monotonicNanoseconds() + Self.longestDelay)
        continue
      }
      try handle(buffer, count)
      try release()
    }
  }

  private func release() throws {
    guard let late = held?.packet else { return }
    held = nil
    try handle(late, late.count)
  }

  private func handle(_ packet: borrowing [UInt8], _ count: Int) throws {
    switch packet[1] {
    case 3:
      try data(packet, count, block: UInt16(packet[2]) << 8 | UInt16(packet[3]))
    case 5:
      throw Failure.refused(String(decoding: packet[4..<count].prefix { $0 != 0 }, as: UTF8.self))
    case 6 where expected == 1:
      guard agrees(with: packet, count) else { throw Failure.optionsIgnored }
      try acknowledge()
    default: break
    }
  }

  private func agrees(with packet: borrowing [UInt8], _ count: Int) -> Bool {
    let fields = packet[2..<count].split(separator: 0, omittingEmptySubsequences: false)
      .map { String(decoding: $0, as: UTF8.self).lowercased() }
    func value(_ name: String) -> String? {
      fields.firstIndex(of: name).flatMap { $0 + 1 < fields.count ? fields[$0 + 1] : nil }
    }
    return value("blksize") == String(blockSize) && (windowSize == 1 || value("windowsize") == String(windowSize))
  }

  private func data(_ packet: borrowing [UInt8], _ count: Int, block: UInt16) throws {
    let distance = Int(Int16(bitPattern: block &- UInt16(truncatingIfNeeded: expected)))
    guard distance == 0 else { return try outOfOrder(expected + distance) }
    let offset = (expected - 1) * blockSize
    let length = count - 4
    guard length <= blockSize, offset + length <= reference.count, Self.equals(packet, reference, offset, length) else {
      throw Failure.wrongContent(block: expected)
    }
    expected += 1
    inWindow += 1
    stray = nil
    triesLeft = Self.tries
    lastAction = monotonicNanoseconds()
    let isLast = length < blockSize
    if isLast || inWindow == windowSize { try acknowledge() }
    if isLast {
      guard offset + length == reference.count else { throw Failure.wrongContent(block: expected) }
      isDone = true
    }
  }

  private static func equals(
    _ packet: borrowing [UInt8], _ reference: borrowing [UInt8], _ offset: Int, _ length: Int
  ) -> Bool {
    packet.withUnsafeBytes { packet in
      reference.withUnsafeBytes { reference in
        guard let left = packet.baseAddress, let right = reference.baseAddress else { return false }
        return memcmp(left + 4, right + offset, length) == 0
      }
    }
  }

  /// RFC 7440, section 4: tell once where to go on from. A lower number than before belongs to a new burst.
  private func outOfOrder(_ block: Int) throws {
    let isNew = stray.map { block <= $0 } ?? true
    stray = block
    if isNew || acknowledgesEachStray { try acknowledge() }
  }

  private func acknowledge() throws {
    inWindow = 0
    lastAction = monotonicNanoseconds()
    guard let peer else { return }
    let block = UInt16(truncatingIfNeeded: expected - 1)
    if !faults.loses() { try socket.send([0, 4, UInt8(block >> 8), UInt8(block & 0xFF)], to: peer) }
  }

  /// Lets a late packet in, and sends again after a long silence.
  func checkTime(_ now: UInt64) throws {
    if !isDone, let held, now >= held.until { try release() }
    guard !isDone, now > lastAction + Self.timeout else { return }
    triesLeft -= 1
    guard triesLeft > 0 else { throw Failure.noProgress(block: expected) }
    if peer == nil {
      lastAction = now
      try socket.send(request, to: server)
    } else {
      try acknowledge()
    }
  }
}
