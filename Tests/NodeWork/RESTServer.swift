import Foundation
import ProgramTestSupport
import Synchronization
import Testing

/// Restic's REST protocol on this host, by rclone.
final class RESTServer: Sendable {
  let url: String
  /// Where its repositories are.
  let root: String
  private let process: pid_t

  struct Failure: Error { let log: String }

  private init(url: String, root: String, process: pid_t) {
    self.url = url
    self.root = root
    self.process = process
  }

  /// For as long as the node is there.
  /// - Parameter login: whoever asks needs one.
  static func start(
    _ name: String = "server", of node: SimulatedNode, isAppendOnly: Bool = true, login: Bool = false
  ) async throws -> RESTServer {
    let folder = node.file(name)
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    let log = folder + ".log"
    let flags = (isAppendOnly ? " --append-only" : "") + (login ? " --user node1 --pass secret" : "")
    let command =
      "rclone serve restic --config /dev/null --addr 127.0.0.1:0\(flags) '\(folder)' >'\(log)' 2>&1 & echo $!"
    let text = String(decoding: try await TestProgram.output("sh", ["-c", command]), as: UTF8.self)
    let process = try #require(pid_t(text.trimmingCharacters(in: .whitespacesAndNewlines)))
    var said = ""
    for _ in 0..<600 {
      said = (try? String(contentsOfFile: log, encoding: .utf8)) ?? ""
      if let found = said.firstMatch(of: /REST API on (http:\/\/[0-9.:]+)\//) {
        let server = RESTServer(url: "rest:\(found.1)/", root: folder, process: process)
        node.companions.withLock { $0.append(server) }
        return server
      }
      if kill(process, 0) != 0 { break }
      try await Task.sleep(for: .milliseconds(50))
    }
    kill(process, SIGKILL)
    throw Failure(log: said)
  }

  deinit { kill(process, SIGKILL) }
}
