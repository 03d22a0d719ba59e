import Foundation
import ProgramTestSupport

/// Debian's own sshd, for one test: on loopback, with keys, a port and a configuration of its own. What logs in is in an
/// environment in which Nix has a store of its own.
struct SecureShellServer {
  struct NotReady: Error, CustomStringConvertible { var description: String }

  static let program = "/usr/sbin/sshd"
  static let isInstalled = FileManager.default.isExecutableFile(atPath: program)

  let folder: TemporaryDirectory
  let port: UInt16
  private let process: pid_t

  /// The store that builds are done in.
  var store: String { folder.file("store") }

  /// What `ssh` needs to get in.
  func options(key: String? = nil) -> String {
    "-F none -o BatchMode=yes -o IdentitiesOnly=yes -o UserKnownHostsFile=\(folder.file("known")) "
      + "-i \(key ?? folder.file("user"))"
  }

  init() async throws {
    folder = try TemporaryDirectory()
    // sshd gives up its rights in here, and a system where it never ran as a service has no such folder.
    try FileManager.default.createDirectory(atPath: "/run/sshd", withIntermediateDirectories: true)
    for name in ["host", "user", "stranger"] {
      _ = try await TestProgram.output("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-f", folder.file(name)])
    }
    let key = try String(contentsOfFile: folder.file("host.pub"), encoding: .utf8)
    for name in ["store", "conf"] {
      try FileManager.default.createDirectory(atPath: folder.file(name), withIntermediateDirectories: true)
    }
    try Data("build-users-group =\nsubstituters =\nsandbox = true\nsandbox-paths = /bin /lib /lib64 /usr\n".utf8)
      .write(to: URL(fileURLWithPath: folder.file("conf/nix.conf")))
    (port, process) = try await Self.start(in: folder, hostKey: key)
  }

  private static func start(in folder: TemporaryDirectory, hostKey: String) async throws -> (UInt16, pid_t) {
    var failure = ""
    // Another program may take a port between the look and the start.
    for _ in 0..<5 {
      let port = try freePort()
      try Data("[127.0.0.1]:\(port) \(hostKey)".utf8).write(to: URL(fileURLWithPath: folder.file("known")))
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
        SetEnv NIX_REMOTE=\(folder.file("store")) NIX_CONF_DIR=\(folder.file("conf")) NIX_PATH=

        """
      try Data(configuration.utf8).write(to: URL(fileURLWithPath: folder.file("config")))
      _ = try await TestProgram.output(program, ["-f", folder.file("config"), "-E", folder.file("log")])
      // It goes into the background before it listens, and notes its number after.
      for _ in 0..<200 {
        if let text = try? String(contentsOfFile: folder.file("pid"), encoding: .utf8), text.hasSuffix("\n"),
          let process = pid_t(text.dropLast())
        {
          return (port, process)
        }
        failure = (try? String(contentsOfFile: folder.file("log"), encoding: .utf8)) ?? "no log"
        if failure.contains("Cannot bind any address") { break }
        try await Task.sleep(for: .milliseconds(50))
      }
    }
    throw NotReady(description: "sshd does not listen: \(failure)")
  }

  func stop() { kill(process, SIGTERM) }

  private static func freePort() throws -> UInt16 {
    let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    guard descriptor >= 0 else { throw NotReady(description: "no socket: \(errno)") }
    defer { close(descriptor) }
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
    var length = socklen_t(MemoryLayout<sockaddr_in>.size)
    let result = withUnsafeMutablePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { generic in
        bind(descriptor, generic, length) == 0 ? getsockname(descriptor, generic, &length) : -1
      }
    }
    guard result == 0 else { throw NotReady(description: "no free port: \(errno)") }
    return UInt16(bigEndian: address.sin_port)
  }
}

/// Runs `work` while a server listens, and ends that one.
func withSecureShellServer(_ work: (SecureShellServer) async throws -> Void) async throws {
  let server = try await SecureShellServer()
  defer { server.stop() }
  try await work(server)
}
