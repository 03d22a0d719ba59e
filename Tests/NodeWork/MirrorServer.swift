import Foundation
import ProgramTestSupport

/// Debian's own sshd on loopback, with keys of its own, as the target of a mirror.
final class MirrorServer: Sendable {
  struct NotReady: Error, CustomStringConvertible { var description: String }

  let folder: TemporaryDirectory
  let port: Int
  private let process: pid_t

  /// The host's key as a line of `known_hosts`.
  var hostKey: String { get throws { try line("host.pub") } }
  /// Of nobody here.
  var otherKey: String { get throws { try line("stranger.pub") } }

  private func line(_ name: String) throws -> String {
    let key = try String(contentsOfFile: folder.file(name), encoding: .utf8).split(separator: " ").prefix(2)
    return "[127.0.0.1]:\(port) " + key.joined(separator: " ")
  }

  init() async throws {
    folder = try TemporaryDirectory()
    // sshd gives up its rights in here, and a system where it never ran as a service has no such folder.
    try FileManager.default.createDirectory(atPath: "/run/sshd", withIntermediateDirectories: true)
    for name in ["host", "user", "stranger"] {
      _ = try await TestProgram.output("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-f", folder.file(name)])
    }
    var failure = ""
    // Another program may have the port.
    for _ in 0..<8 {
      let port = Int.random(in: 20000..<60000)
      let configuration = """
        Port \(port)
        ListenAddress 127.0.0.1
        HostKey \(folder.file("host"))
        PidFile \(folder.file("pid"))
        AuthorizedKeysFile \(folder.file("user.pub"))
        StrictModes no
        UsePAM no
        PasswordAuthentication no
        KbdInteractiveAuthentication no
        PermitRootLogin prohibit-password

        """
      try Data(configuration.utf8).write(to: URL(fileURLWithPath: folder.file("config")))
      try? FileManager.default.removeItem(atPath: folder.file("log"))
      _ = try await TestProgram.output("/usr/sbin/sshd", ["-f", folder.file("config"), "-E", folder.file("log")])
      for _ in 0..<200 {
        // It goes into the background before it listens, and notes its number after.
        if let text = try? String(contentsOfFile: folder.file("pid"), encoding: .utf8), text.hasSuffix("\n"),
          let process = pid_t(text.dropLast())
        {
          (self.port, self.process) = (port, process)
          return
        }
        failure = (try? String(contentsOfFile: folder.file("log"), encoding: .utf8)) ?? "no log"
        if failure.contains("Cannot bind any address") { break }
        try await Task.sleep(for: .milliseconds(50))
      }
    }
    throw NotReady(description: "sshd does not listen: \(failure)")
  }

  deinit { kill(process, SIGTERM) }
}
