import AgentProtocol
import CPIO
import HTTPConnection
import NodeFiles
import ProgramRunner

/// Takes a running machine over: from its old system into the installer, by kexec. Until the last step the machine goes
/// on as it was, and no step writes to a disk.
public struct Takeover: Sendable {
  let token: TakeoverToken
  let endpoint: HTTPEndpoint
  let log: AgentLog
  let runner: any CommandRunner

  public init(
    token: TakeoverToken, endpoint: HTTPEndpoint, log: AgentLog, runner: any CommandRunner = SubprocessRunner()
  ) {
    self.token = token
    self.endpoint = endpoint
    self.log = log
    self.runner = runner
  }

  /// Does not return where the machine starts the installer.
  /// - Parameter loadOnly: stop before the old system ends.
  /// - Throws: what was wrong; the old system runs on.
  public func run(loadOnly: Bool = false) async throws {
    let inspection = TakeoverInspector().inspect()
    guard inspection.obstacles.isEmpty else { throw TakeoverError.obstacles(inspection.obstacles) }
    let handover = try NetworkReader().handover()
    let client = HTTPClient(endpoint: endpoint)
    let link = TakeoverLink(client: client, token: token)
    let grant = try await begin(link, inspection)
    do {
      log.say("this machine becomes \(grant.machineName)")
      let bytes = grant.kernel.size + grant.initrd.size
      try checkMemory(bytes)
      try await link.tell(.fetching, "fetching kernel and installer, \(bytes >> 20) MiB")
      let kernel = try KernelLoader.MemoryFile("bootstead-kernel")
      try await fetch(grant.kernel, with: client, into: kernel)
      let initrd = try KernelLoader.MemoryFile("bootstead-initrd")
      try await fetch(grant.initrd, with: client, into: initrd)
      try initrd.append([UInt8](repeating: 0, count: (4 - grant.initrd.size % 4) % 4))
      try initrd.append(Takeover.overlay(grant.overlay, handover))
      let call = try await KernelLoader(log: log, runner: runner).load(
        kernel: kernel, initrd: initrd, arguments: Takeover.arguments(of: grant))
      try await link.tell(.loaded, "kernel and installer are loaded (\(call)), digests match the appliance's manifest")
      if loadOnly { return log.say("loaded; not started, as was asked for") }
      try await link.tell(.executing, "\(inspection.system.name) ends, the installer starts")
      log.say("the installer starts now; this connection ends")
      try await OldSystemEnd(log: log, runner: runner).execute()
    } catch {
      // The appliance may be what failed; the error itself goes to whoever started this.
      try? await link.tell(.failed, "\(error)")
      throw error
    }
  }

  /// Asks until the answer comes, for a minute: the token is used up by the first one that arrives.
  private func begin(_ link: TakeoverLink, _ inspection: TakeoverInspection) async throws -> TakeoverGrant {
    let begin = TakeoverBegin(attempt: BootNonce(), inventory: inspection.inventory, system: inspection.system)
    let end = ContinuousClock.now + .seconds(60)
    var patience = Patience()
    while true {
      do {
        return try await link.begin(begin)
      } catch let error as LinkError {
        throw error
      } catch let error as HTTPClientError {
        guard ContinuousClock.now < end else { throw error }
        log.say("\(error)")
        try await patience.wait()
      }
    }
  }

  private func checkMemory(_ bytes: Int) throws(TakeoverError) {
    let lines = FileSystemEntry("/proc/meminfo").text()?.split(separator: "\n") ?? []
    guard let line = lines.first(where: { $0.hasPrefix("MemAvailable:") }),
      let kibibytes = line.split(separator: " ").dropFirst().first.flatMap({ Int($0) })
    else { return }
    // Once here, once in the kernel's own pages, and something to work with.
    let needed = 2 * bytes + 64 << 20
    guard kibibytes << 10 >= needed else { throw .memory(available: kibibytes >> 10, needed: needed >> 20) }
  }

  private func fetch(
    _ file: TakeoverGrant.File, with client: HTTPClient, into memory: borrowing KernelLoader.MemoryFile
  ) async throws {
    do {
      try await CheckedDownload(client: client).fetch(
        path: file.path, size: file.size, digest: file.digest, into: memory)
    } catch CheckedDownload.Failure.notServed(let status) {
      throw TakeoverError.notServed(path: file.path, status: status)
    } catch CheckedDownload.Failure.changed(let found) {
      throw TakeoverError.changed(path: file.path, expected: file.digest, found: found)
    }
    log.say("\(file.path): \(file.size >> 10) KiB, digest as in the manifest")
  }

  /// What turns the public installer into this boot's.
  public static func overlay(_ overlay: BootOverlay, _ handover: NetworkHandover) throws -> [UInt8] {
    try CPIOArchive.overlay(files: [
      .init(path: String(BootOverlay.path.dropFirst()), bytes: try MessageCoder.encode(overlay), permissions: 0o644),
      .init(path: String(NetworkHandover.path.dropFirst()), bytes: Array(handover.text.utf8), permissions: 0o644),
    ])
  }

  /// The appliance's arguments, and the consoles of the running kernel: whoever watches this machine goes on watching.
  private static func arguments(of grant: TakeoverGrant) -> String {
    let running = FileSystemEntry("/proc/cmdline").line ?? ""
    return arguments(grant.arguments, running: running)
  }

  public static func arguments(_ arguments: [String], running: String) -> String {
    var all = arguments
    for word in running.split(separator: " ") where word.hasPrefix("console=") && word.utf8.count < 64 {
      // The last one becomes /dev/console.
      all.removeAll { $0 == word }
      all.append(String(word))
    }
    return all.joined(separator: " ")
  }
}

/// Why a take-over ended before it began. The old system runs on, and nothing of it was changed.
public enum TakeoverError: Error, Sendable, Equatable, CustomStringConvertible {
  case obstacles([String])
  case memory(available: Int, needed: Int)
  case notServed(path: String, status: Int)
  case changed(path: String, expected: String, found: String)

  public var description: String {
    switch self {
    case .obstacles(let obstacles): "this machine can not be taken over: " + obstacles.joined(separator: "; ")
    case .memory(let available, let needed):
      "\(available) MiB of memory are free, \(needed) MiB are needed to load the installer: stop services, then try again"
    case .notServed(let path, let status):
      "the appliance answered \(status) for \(path): run 'bootstead installer build' there"
    case .changed(let path, let expected, let found):
      "\(path) is not what the appliance signed: expected SHA-256 \(expected), found \(found); somebody changes what passes on this network, or the image was replaced meanwhile"
    }
  }
}
