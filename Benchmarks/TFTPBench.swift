import ArgumentParser
import Glibc
import NetworkAddress

struct TFTPBench: ParsableCommand {
  static let configuration = CommandConfiguration(commandName: "tftp", abstract: "TFTP downloads.")

  @Argument(help: "The server's address.") var server: IPv4Address
  @Argument(help: "The name of the file.") var name: String
  @Option(help: "The same file here; what comes is compared with it.") var reference: String
  @Option var blockSize = 1468
  @Option var windowSize = 16
  @Option(help: "Clients at one time.") var clients = 1
  @Option(help: "Downloads of each client, one after the other.") var downloads = 1
  @Option(help: "The part of packets that the client throws away, in both directions.") var loss = 0.0
  @Option(help: "The part of received packets that are overtaken by the next one.") var reordering = 0.0

  @Flag(help: "Acknowledge for each block that was not expected, as EDK2 does.")
  var acknowledgesEachStray = false

  func run() throws {
    let content = try readFile(reference)
    var buffer = [UInt8](repeating: 0, count: 65_536)
    var bytesArrived = 0
    var longest = 0.0
    let start = monotonicNanoseconds()
    for round in 0..<downloads {
      let roundStart = monotonicNanoseconds()
      bytesArrived += try download(content, round: round, &buffer)
      longest = max(longest, Double(monotonicNanoseconds() - roundStart) / 1e9)
    }
    let seconds = Double(monotonicNanoseconds() - start) / 1e9
    let bytes = content.count * clients * downloads
    printFigure("MB_per_s", Double(bytes) / seconds / 1e6)
    printFigure("seconds", seconds)
    printFigure("arrived_ratio", Double(bytesArrived) / Double(max(bytes, 1)))
  }

  /// One download of each client.
  /// - Returns: the payload that arrived, in bytes.
  private func download(_ content: [UInt8], round: Int, _ buffer: inout [UInt8]) throws -> Int {
    let address = SocketAddress(server, port: 69)
    let running = try (0..<clients).map { client in
      try TFTPDownload(
        name: name, server: address, blockSize: blockSize, windowSize: windowSize, reference: content,
        acknowledgesEachStray: acknowledgesEachStray,
        faults: NetworkFaults(loss: loss, reordering: reordering, seed: UInt64(round * clients + client + 1)))
    }
    var entries = running.map { pollfd(fd: $0.socket.descriptor, events: Int16(POLLIN), revents: 0) }
    var left = running.count
    while left > 0 {
      _ = poll(&entries, nfds_t(entries.count), 5)
      let now = monotonicNanoseconds()
      for (index, download) in running.enumerated() where !download.isDone {
        if entries[index].revents != 0 { try download.receive(into: &buffer) }
        try download.checkTime(now)
        if download.isDone {
          entries[index].fd = -1
          left -= 1
        }
      }
    }
    return running.reduce(0) { $0 + $1.bytesArrived }
  }
}

private func readFile(_ path: String) throws -> [UInt8] {
  let descriptor = open(path, O_RDONLY | O_CLOEXEC)
  guard descriptor >= 0 else { throw SystemFailure("open \(path)") }
  defer { close(descriptor) }
  var status = stat()
  guard fstat(descriptor, &status) == 0 else { throw SystemFailure("fstat \(path)") }
  let size = Int(status.st_size)
  return try [UInt8](unsafeUninitializedCapacity: size) { bytes, count in
    while count < size {
      let got = read(descriptor, bytes.baseAddress.map { $0 + count }, size - count)
      guard got > 0 else { throw SystemFailure("read \(path)") }
      count += got
    }
  }
}
