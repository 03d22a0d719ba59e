import ArgumentParser
import Glibc
import NetworkAddress

struct HTTPBench: ParsableCommand {
  static let configuration = CommandConfiguration(commandName: "http", abstract: "Downloads of one large file.")

  @Argument(help: "The server's address.") var server: IPv4Address
  @Argument(help: "The path of the file.") var path: String
  @Option var port: UInt16 = 8080
  @Option(help: "Connections at one time.") var clients = 1
  @Flag(help: "Let the kernel throw the body away: a client that costs next to nothing.") var discard = false

  func run() throws {
    let start = monotonicNanoseconds()
    let downloads = try (0..<clients).map { _ in
      try HTTPDownload(server: SocketAddress(server, port: port), host: "\(server):\(port)", path: path)
    }
    var entries = downloads.map { pollfd(fd: $0.descriptor, events: Int16(POLLIN), revents: 0) }
    var buffer = [UInt8](repeating: 0, count: 1 << 20)
    var left = downloads.count
    while left > 0 {
      guard poll(&entries, nfds_t(entries.count), 30_000) > 0 else {
        throw SystemFailure("nothing came for 30 s: poll")
      }
      for (index, download) in downloads.enumerated() where !download.isDone && entries[index].revents != 0 {
        try download.receive(into: &buffer, discards: discard)
        if download.isDone {
          entries[index].fd = -1
          left -= 1
        }
      }
    }
    let seconds = Double(monotonicNanoseconds() - start) / 1e9
    let bytes = downloads.reduce(0) { $0 + $1.bytes }
    printFigure("MB_per_s", Double(bytes) / seconds / 1e6)
    printFigure("seconds", seconds)
    printFigure("bytes", bytes)
  }
}
