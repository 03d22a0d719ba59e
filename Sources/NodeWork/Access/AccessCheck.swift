import Glibc
import ProgramRunner
import StackSet

/// Tries each name of a machine's routes from one zone: names that this zone may use have to lead to a service at work,
/// the others must not answer.
public struct AccessCheck: Sendable {
  public struct Options: Sendable {
    /// From where this is tried.
    public var zone = StackExposure.lan
    /// Instead of those of the set, or of this machine where the set names none.
    public var nameServers: [NameServer] = []
    /// Where names lead to, instead of the set's.
    public var address: String?
    /// The local address that everything comes from.
    public var source: String?
    /// A file with the root certificate that devices trust; without it it is fetched as devices fetch it.
    public var authority: String?
    /// Names that are tried; empty: all.
    public var names: [String] = []
    public var port = 443
    /// Where the root certificate is offered.
    public var plainPort = 80
    /// Seconds for one answer.
    public var timeout = 10
    /// Seconds since 1970.
    public var now = Int(time(nil))

    public init() {}
  }

  let set: StackSet
  let routes: [TriedRoute]
  let options: Options
  let servers: [NameServer]
  let runner: any CommandRunner

  /// - Parameters:
  ///   - set: nil: the machine runs no stacks.
  ///   - further: routes that its settings name.
  /// - Throws: ``NodeWorkError`` where there are no names, or no name server can be asked.
  public init(_ set: StackSet?, further: AccessList? = nil, options: Options, runner: any CommandRunner)
    throws(NodeWorkError)
  {
    var set = set ?? StackSet(machine: further?.machine ?? "this machine")
    set.access = set.access ?? further?.access
    if set.access?.address == nil, let address = further?.access.address { set.access?.address = address }
    self.set = set
    let routes = set.routes.map { TriedRoute($0) } + (further?.routes ?? []).map { TriedRoute($0) }
    self.routes = routes
    self.options = options
    self.runner = runner
    guard routes.contains(where: { !$0.names.isEmpty }) else {
      throw NodeWorkError(
        .configuration, "no route of \(set.machine) has a name, so there is nothing to try",
        advice: "set settings.access.zones and a reverse proxy, and compile again")
    }
    let known = Set(routes.flatMap(\.names))
    if let stranger = options.names.first(where: { !known.contains($0) }) {
      throw NodeWorkError(
        .unknownStack, "\(set.machine) has no route with the name \(stranger)",
        advice: "known are \(known.sorted().joined(separator: ", "))")
    }
    for address in [options.address, options.source].compactMap(\.self) where SocketAddress.canonical(address) == nil {
      throw NodeWorkError(.configuration, "'\(address)' is no address", advice: "write it as 192.0.2.10")
    }
    var servers = options.nameServers
    // The house's name servers are what its own devices ask; who comes by another way asks others.
    if servers.isEmpty, options.zone == .lan { servers = (set.access?.nameServers ?? []).compactMap { NameServer($0) } }
    if servers.isEmpty { servers = try NameServer.ofThisMachine() }
    guard !servers.isEmpty else {
      throw NodeWorkError(
        .configuration, "no name server is known", advice: "give one with --name-server, or set split-dns.nameServers")
    }
    if let source = options.source {
      servers = servers.map { server in
        var server = server
        server.source = source
        return server
      }
    }
    self.servers = servers
  }

  /// Where names are to lead from this zone. From the internet that is a tunnel or a router, which nobody declares.
  var address: String? {
    let declared = options.zone == .everywhere ? nil : set.access?.address ?? set.names.first?.address
    return (options.address ?? declared).flatMap { SocketAddress.canonical($0) }
  }

  /// - Throws: ``NodeWorkError`` where curl is missing or can not do what it is asked for.
  public func run() async throws(NodeWorkError) -> AccessReport {
    var findings: [AccessFinding] = []
    let folder = try Self.temporaryFolder()
    defer { Self.remove(folder) }
    var probe = HubProbe(runner: runner, source: options.source, authority: options.authority, timeout: options.timeout)
    if let (file, finding) = try await rootCertificate(probe, folder) {
      probe.authority = file
      if let finding { findings.append(finding) }
    }
    let wanted = routes.flatMap { route in
      // A star is no name that somebody could ask for.
      route.names.filter { !$0.hasPrefix("*") && (options.names.isEmpty || options.names.contains($0)) }
        .map { (route, $0) }
    }
    let work = NameWork(
      set: set, zone: options.zone, address: address, servers: servers, probe: probe, port: options.port,
      timeout: .seconds(max(1, options.timeout / 5)), now: options.now)
    let results = await withTaskGroup(of: NumberedResult.self) { group in
      var results: [NumberedResult] = []
      for (index, (route, name)) in wanted.enumerated() {
        if index >= Self.atOnce, let done = await group.next() { results.append(done) }
        group.addTask { NumberedResult(index: index, result: await work.result(name, of: route)) }
      }
      for await done in group { results.append(done) }
      return results
    }
    var names: [NameCheck] = []
    for done in results.sorted(by: { $0.index < $1.index }) { names.append(try done.result.get()) }
    findings += try await besideProxy(probe)
    return AccessReport(
      machine: set.machine, zone: options.zone, nameServers: servers.map(\.description), address: address,
      findings: findings, names: names)
  }

  /// How many names are tried at a time.
  private static let atOnce = 8

  private struct NumberedResult: Sendable {
    var index: Int
    var result: Result<NameCheck, NodeWorkError>
  }

  /// Services that are published for a proxy on the machine itself have to be there on its loopback interface alone.
  private func besideProxy(_ probe: HubProbe) async throws(NodeWorkError) -> [AccessFinding] {
    guard let address else { return [] }
    var findings: [AccessFinding] = []
    for route in set.routes {
      guard let upstream = route.upstream.split(separator: "/").last, upstream.hasPrefix("127.0.0.1:"),
        let port = Int(upstream.dropFirst("127.0.0.1:".count)), try await probe.isOpen(address, port: port)
      else { continue }
      findings.append(
        AccessFinding(
          .besideProxy, "\(route.stack)/\(route.service) answers at \(address):\(port), beside the reverse proxy",
          advice: "publish it on 127.0.0.1 alone: 'bootstead-agent stacks apply' does so, where nobody changed the file"
        ))
    }
    return findings
  }

  /// - Returns: the file to trust; nil where this machine's own list is asked.
  private func rootCertificate(_ probe: HubProbe, _ folder: String) async throws(NodeWorkError) -> (
    String?, AccessFinding?
  )? {
    guard options.authority == nil, set.access?.signer == .authority, options.zone != .everywhere, let address else {
      return nil
    }
    let host = address.contains(":") ? "[\(address)]" : address
    let url = "http://\(host)\(options.plainPort == 80 ? "" : ":\(options.plainPort)")/root.crt"
    let file = folder + "/root.crt"
    guard let reason = try await probe.fetch(url, to: file) else { return (file, nil) }
    return (
      nil,
      AccessFinding(
        .noRootCertificate, "the root certificate that devices are to trust is not at \(url): \(reason)",
        advice: "start the reverse proxy, turn its rootPage on, or give the file with --authority")
    )
  }

  private static func temporaryFolder() throws(NodeWorkError) -> String {
    let place = getenv("TMPDIR").map { String(cString: $0) } ?? "/tmp"
    // mkdtemp(3) replaces six of this letter.
    var template = Array("\(place)/bootstead-access-\(String(repeating: "X", count: 6))".utf8CString)
    guard mkdtemp(&template) != nil else {
      throw NodeWorkError(.file, "can not make a folder in \(place): \(String(cString: strerror(errno)))")
    }
    return String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }

  private static func remove(_ folder: String) {
    unlink(folder + "/root.crt")
    rmdir(folder)
  }
}

extension StackSet {
  /// Of a machine without stacks.
  fileprivate init(machine: String) {
    self.init(
      machine: machine, engine: .docker, directory: "/", networks: [], stacks: [], routes: [], names: [],
      hub: HubConfiguration(), monitors: [])
  }
}
