import Logging
import NIOCore
import NetworkAddress
import Synchronization
import TFTP
import TFTPServer
import Testing

/// Gathers what a server reports.
final class EventLog: Sendable {
  private let events = Mutex<[TFTPEvent]>([])
  func append(_ event: TFTPEvent) { events.withLock { $0.append(event) } }
  var all: [TFTPEvent] { events.withLock { $0 } }
  var outcomes: [TFTPOutcome] {
    all.compactMap { event in
      if case .ended(let report) = event { report.outcome } else { nil }
    }
  }

  /// Waits until an event of that kind is there.
  func first<Value>(_ pick: (TFTPEvent) -> Value?) async -> Value? {
    for _ in 0..<1000 {
      if let value = all.lazy.compactMap(pick).first { return value }
      try? await Task.sleep(for: .milliseconds(20))
    }
    return nil
  }

  func firstOutcome() async -> TFTPOutcome? {
    await first { event in
      if case .ended(let report) = event { report.outcome } else { nil }
    }
  }
}

/// What EDK2 asks for.
let edk2 = [TFTPOption("tsize", "0"), TFTPOption("blksize", "1468"), TFTPOption("windowsize", "4")]

/// The file that the server has.
let blob = (0..<300_000).map { UInt8(truncatingIfNeeded: $0 &* 7 ^ $0 >> 8) }

/// Runs a server on a free port of the loopback interface while the body runs.
func withServer(
  limit: Int = 64, limitPerPeer: Int = 16, address: IPv4Address = IPv4Address(127, 0, 0, 1),
  repeatWindow: Duration = .seconds(5), isServed: @escaping @Sendable (IPv4Address) -> Bool = { _ in true },
  _ body: @Sendable (TFTPServer, SocketAddress, EventLog) async throws -> Void
) async throws {
  let log = EventLog()
  let content = TFTPContent(bytes: blob)
  let server = TFTPServer(
    configuration: TFTPServerConfiguration(
      addresses: [address], port: 0, transferLimit: limit, transferLimitPerPeer: limitPerPeer,
      repeatWindow: repeatWindow, isServed: isServed),
    logger: Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() }), onEvent: { log.append($0) }
  ) { name, _ in
    switch name.path {
    case "loader.efi", "boot/loader.efi": content
    case "empty": TFTPContent(bytes: [])
    case "exact": TFTPContent(bytes: [UInt8](repeating: 7, count: 1024))
    default: nil
    }
  }
  try await withThrowingTaskGroup(of: Void.self) { group in
    group.addTask { try await server.run() }
    let bound = try #require(try await server.waitUntilListening().first)
    let port = try #require(bound.port)
    try await body(server, try SocketAddress(ipAddress: "127.0.0.1", port: port), log)
    group.cancelAll()
  }
}
