import Foundation
import ProgramTestSupport

/// A house with a name server and a reverse proxy of Debian's, for one test: dnsmasq and nginx on addresses of the
/// loopback network, certificates of an authority of its own. 127.10.0.0/16 is the house; all else is outside.
final class AccessScene: Sendable {
  struct NotReady: Error, CustomStringConvertible { var description: String }

  static let isPossible = ["/usr/sbin/nginx", "/usr/sbin/dnsmasq", "/usr/bin/openssl", "/usr/bin/curl"]
    .allSatisfy { FileManager.default.isExecutableFile(atPath: $0) }

  static let hub = "127.10.0.1"
  static let inside = "127.10.0.5"
  static let outside = "127.66.0.5"

  /// One name at the reverse proxy.
  struct Site {
    enum Certificate { case good, expired, old, foreign, otherName }
    var name: String
    var certificate = Certificate.good
    /// nginx's own words for what it does.
    var action = "return 200 'here';"
    /// Turns away whoever is outside.
    var isClosed = false
  }

  let folder: TemporaryDirectory
  let port: Int
  let plainPort: Int
  let namePort: Int
  private let processes: [pid_t]

  var nameServer: String { "127.10.0.53:\(namePort)" }
  /// The root certificate of the house's authority.
  var authority: String { folder.file("good.crt") }

  init(_ sites: [Site], names: [String: String]) async throws {
    folder = try TemporaryDirectory()
    var ports: [Int] = []
    for _ in 0..<3 { ports.append(try Self.freePort(besides: ports)) }
    (port, plainPort, namePort) = (ports[0], ports[1], ports[2])
    try await Self.makeAuthorities(in: folder)
    for site in sites { try await Self.certify(site, in: folder) }
    var processes: [pid_t] = []
    do {
      processes.append(try await Self.startNameServer(names, port: ports[2], in: folder))
      processes.append(try await Self.startProxy(sites, port: ports[0], plainPort: ports[1], in: folder))
    } catch {
      for process in processes { kill(process, SIGKILL) }
      throw error
    }
    self.processes = processes
  }

  // nginx misses a SIGTERM that comes before it waits for signals.
  deinit { for process in processes { kill(process, SIGKILL) } }

  // MARK: Certificates

  private static func makeAuthorities(in folder: TemporaryDirectory) async throws {
    try write(
      """
      [req]
      distinguished_name = name
      x509_extensions = authority
      [name]
      [authority]
      basicConstraints = critical,CA:TRUE
      keyUsage = critical,keyCertSign
      subjectKeyIdentifier = hash
      [ca]
      default_ca = house
      [house]
      database = \(folder.file("index"))
      new_certs_dir = \(folder.path)
      rand_serial = yes
      unique_subject = no
      default_md = sha256
      policy = any
      [any]
      commonName = supplied

      """, to: folder.file("openssl.conf"))
    try write("", to: folder.file("index"))
    for (file, name) in [("good", "Test House Authority"), ("foreign", "Somebody Else")] {
      try await openssl(
        [
          "req", "-x509", "-config", folder.file("openssl.conf"), "-newkey", "ec", "-pkeyopt",
          "ec_paramgen_curve:prime256v1", "-nodes", "-days", "30", "-subj", "/CN=\(name)", "-keyout",
          folder.file("\(file).key"), "-out", folder.file("\(file).crt"),
        ])
    }
    try await openssl(["ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", folder.file("site.key")])
  }

  private static func certify(_ site: Site, in folder: TemporaryDirectory) async throws {
    let name = site.certificate == .otherName ? "other.example.net" : site.name
    let days =
      switch site.certificate {
      case .expired: -60 ... -3
      case .old: -60...2
      case .good, .foreign, .otherName: -1...89
      }
    let authority = site.certificate == .foreign ? "foreign" : "good"
    let base = folder.file(site.name)
    try write("subjectAltName = DNS:\(name)\nextendedKeyUsage = serverAuth\n", to: base + ".ext")
    try await openssl(
      [
        "req", "-new", "-config", folder.file("openssl.conf"), "-key", folder.file("site.key"), "-subj", "/CN=\(name)",
        "-out", base + ".csr",
      ])
    try await openssl(
      [
        "ca", "-config", folder.file("openssl.conf"), "-batch", "-notext", "-cert", folder.file("\(authority).crt"),
        "-keyfile", folder.file("\(authority).key"), "-in", base + ".csr", "-out", base + ".crt", "-extfile",
        base + ".ext", "-startdate", time(days.lowerBound), "-enddate", time(days.upperBound),
      ])
  }

  /// As OpenSSL takes times.
  private static func time(_ days: Int) -> String {
    let text = Date(timeIntervalSinceNow: Double(days) * 86400 + 60).formatted(.iso8601)
    return text.filter { $0.isNumber || $0 == "Z" }
  }

  private static func openssl(_ arguments: [String]) async throws {
    _ = try await TestProgram.output("openssl", arguments)
  }

  // MARK: Servers

  private static func startNameServer(_ names: [String: String], port: Int, in folder: TemporaryDirectory) async throws
    -> pid_t
  {
    let records = names.sorted { $0.key < $1.key }.map { "--host-record=\($0.key),\($0.value)" }
    let pid = folder.file("dnsmasq.pid")
    let log = folder.file("dnsmasq.log")
    let ended = try await TestProgram.run(
      "/usr/sbin/dnsmasq",
      [
        "--conf-file=/dev/null", "--pid-file=\(pid)", "--port=\(port)", "--listen-address=127.10.0.53",
        "--bind-interfaces", "--no-resolv", "--no-hosts", "--local=/example.com/", "--log-facility=\(log)",
      ] + (getuid() == 0 ? ["--user=root"] : []) + records)
    guard ended.status == 0 else {
      let reason = (try? String(contentsOfFile: log, encoding: .utf8)) ?? "no log"
      throw NotReady(description: "dnsmasq does not start: \(ended.errors) \(reason)")
    }
    return try await process(of: pid)
  }

  private static func startProxy(_ sites: [Site], port: Int, plainPort: Int, in folder: TemporaryDirectory) async throws
    -> pid_t
  {
    let servers = sites.map { site in
      """
        server {
          listen \(hub):\(port) ssl;
          server_name \(site.name);
          ssl_certificate \(folder.file(site.name)).crt;
          ssl_certificate_key \(folder.file("site.key"));
          \(site.isClosed ? "if ($outside) { return 444; }" : "")
          location / { \(site.action) }
        }

      """
    }
    let root = try String(contentsOfFile: folder.file("good.crt"), encoding: .utf8)
    let temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map {
      "  \($0)_temp_path \(folder.file($0));\n"
    }.joined()
    try write(
      """
      pid \(folder.file("nginx.pid"));
      error_log \(folder.file("nginx.log"));
      # One process, which can be killed without leaving another behind.
      master_process off;
      events {}
      http {
        access_log off;
      \(temporary)
        geo $outside { default 1; 127.10.0.0/16 0; }
        server {
          listen \(hub):\(plainPort);
          location /root.crt { return 200 '\(root)'; }
        }
      \(servers.joined())
      }

      """, to: folder.file("nginx.conf"))
    _ = try await TestProgram.output(
      "/usr/sbin/nginx", ["-e", folder.file("nginx.log"), "-p", folder.path, "-c", folder.file("nginx.conf")])
    return try await process(of: folder.file("nginx.pid"))
  }

  /// Both go into the background once they listen, and note their number then.
  private static func process(of file: String) async throws -> pid_t {
    for _ in 0..<400 {
      if let text = try? String(contentsOfFile: file, encoding: .utf8), text.hasSuffix("\n"),
        let process = pid_t(text.dropLast())
      {
        return process
      }
      try await Task.sleep(for: .milliseconds(25))
    }
    throw NotReady(description: "\(file) was never written")
  }

  private static func write(_ text: String, to file: String) throws {
    try Data(text.utf8).write(to: URL(fileURLWithPath: file))
  }

  static func freePort(besides others: [Int]) throws -> Int {
    for _ in 0..<50 {
      let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
      defer { close(descriptor) }
      var address = sockaddr_in()
      address.sin_family = sa_family_t(AF_INET)
      var length = socklen_t(MemoryLayout<sockaddr_in>.size)
      let done = withUnsafeMutablePointer(to: &address) { pointer in
        pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
          bind(descriptor, $0, length) == 0 && getsockname(descriptor, $0, &length) == 0
        }
      }
      let port = Int(UInt16(bigEndian: address.sin_port))
      if done, !others.contains(port) { return port }
    }
    throw NotReady(description: "no free port")
  }
}
