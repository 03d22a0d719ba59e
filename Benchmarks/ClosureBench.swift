import ArgumentParser
import HTTPConnection
import NixFormats
import NodeAgent

struct ClosureBench: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "closure", abstract: "Install a closure into a directory, as the agent does it on a machine.")

  @Argument(help: "The server, such as http://192.0.2.1:8080.") var server: String
  @Argument(help: "The closure's root.") var storePath: String
  @Option(help: "The cache's public key.") var publicKey: String
  @Option(help: "The directory that stands for the machine's mounted disk.") var target: String

  func run() async throws {
    let start = monotonicNanoseconds()
    let client = HTTPClient(
      endpoint: try HTTPEndpoint(url: server), limits: HTTPClientLimits(maxIdleConnections: 16))
    let installer = try ClosureInstaller(
      source: HTTPCacheSource(client: client, path: "/cache"), trustedKeys: [NixPublicKey(publicKey)],
      targetRoot: target)
    let closure = try await installer.installStore(root: StorePath(absolute: storePath))
    printFigure("seconds", Double(monotonicNanoseconds() - start) / 1e9)
    printFigure("paths", closure.paths.count)
  }
}
