import AgentProtocol
import ArgumentParser
import HTTPConnection
import NodeAgent
import NodeFiles
import ProgramRunner

/// In the installer's initrd.
struct Install: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Claim this machine at the appliance, install it, and end when it is to restart.",
    discussion: """
      Reads \(BootOverlay.path), which the appliance lays into the initrd for each boot. Ends with code 0 when the \
      machine is to restart; everything on its disks is written out by then.
      """)

  @Option(help: "The boot's file from the appliance.")
  var overlay = BootOverlay.path

  @Option(help: "Where the new root gets mounted.")
  var target = "/mnt"

  @Option(help: "Where the keys of this boot are kept, in memory.")
  var keys = AgentKeys.path

  @Flag(help: "Restart the machine at the end, instead of leaving that to the caller.")
  var restart = false

  func run() async throws {
    let consoles = Consoles()
    let log = AgentLog(show: consoles.show)
    do {
      try await install(log)
    } catch {
      log.say("bootstead-agent: \(error)")
      throw ExitCode.failure
    }
    if restart { try await SubprocessRunner().run(Command("reboot", ["-f"])) }
  }

  private func install(_ log: AgentLog) async throws {
    guard let bytes = FileSystemEntry(overlay).bytes() else { throw MissingOverlay(path: overlay) }
    let boot = try MessageCoder.decode(BootOverlay.self, from: bytes)
    log.say("bootstead-agent: \(boot.machineName ?? "a machine without a name"), appliance \(boot.applianceURL)")
    let endpoint = try HTTPEndpoint(url: boot.applianceURL)
    let keys = try AgentKeys.loadOrMake(at: keys)
    // A connection on which nothing moves for so long is given up for a new one: the machine may have got another
    // address, and TCP's own retransmissions come minutes apart after a longer break.
    let silence = Duration.seconds(20)
    let link = ApplianceLink(
      client: HTTPClient(endpoint: endpoint, limits: HTTPClientLimits(idleTimeout: silence)),
      appliance: boot.appliancePublicKey, key: keys.agent)
    try await Installer(
      overlay: boot, keys: keys, link: link, log: log, disks: ExecutedDisks(target: target),
      system: CopiedClosure(
        client: HTTPClient(
          endpoint: endpoint, limits: HTTPClientLimits(idleTimeout: silence, maxIdleConnections: 16)),
        say: { log.say($0) }),
      builder: FlakeInstall(
        client: HTTPClient(endpoint: endpoint, limits: HTTPClientLimits(idleTimeout: silence)),
        applianceURL: boot.applianceURL, say: { log.say($0) }),
      target: target, contact: boot.watchdogSeconds == nil ? nil : ApplianceContact()
    ).run()
  }
}

struct MissingOverlay: Error, CustomStringConvertible {
  var path: String

  var description: String {
    "\(path) can not be read: this boot did not come from an appliance, or the boot loader did not load its overlay"
  }
}
