import Foundation
import Synchronization

/// The lab's LAN: two network namespaces, joined by a pair of virtual interfaces.
///
/// One is the appliance's, with a bridge to which the machines' taps belong. In the other one Debian's dnsmasq plays the
/// DHCP server that is already there: it gives out addresses and no boot options. Every link is inside of a namespace,
/// so removing the two removes everything.
public final class LabNetwork: Sendable {
  /// The appliance's interface in its namespace, and its address there.
  public static let bridge = "br0"
  public static let applianceAddress = "10.77.0.1"
  private static let prefix = "bootstead-lab-"

  /// Names of the namespaces: `bootstead-lab-PID-NUMBER-…`, so that a later run knows whose they are.
  public let applianceNamespace: String
  public let foreignNamespace: String
  private let dhcp: Mutex<LabProcess>
  private let folder: String

  private init(applianceNamespace: String, foreignNamespace: String, dhcp: LabProcess, folder: String) {
    self.applianceNamespace = applianceNamespace
    self.foreignNamespace = foreignNamespace
    self.dhcp = Mutex(dhcp)
    self.folder = folder
  }

  /// Makes the two namespaces and starts the foreign DHCP server, whose log goes into `folder`.
  public static func start(folder: String) async throws -> LabNetwork {
    await removeLeftovers()
    let number = UInt32.random(in: 0...0xFFFF)
    let name = "\(prefix)\(ProcessInfo.processInfo.processIdentifier)-\(String(number, radix: 16))"
    let (appliance, foreign) = (name + "-appliance", name + "-dhcp")
    do {
      for namespace in [appliance, foreign] {
        try await ip("netns", "add", namespace)
        try await ip("-n", namespace, "link", "set", "lo", "up")
      }
      try await ip("-n", appliance, "link", "add", bridge, "type", "bridge", "stp_state", "0", "forward_delay", "0")
      try await ip("-n", appliance, "address", "add", "\(applianceAddress)/24", "dev", bridge)
      try await ip("-n", appliance, "link", "set", bridge, "up")
      try await ip("-n", appliance, "link", "add", "uplink", "type", "veth", "peer", "name", "eth0", "netns", foreign)
      try await ip("-n", appliance, "link", "set", "uplink", "master", bridge, "up")
      try await ip("-n", foreign, "address", "add", "10.77.0.2/24", "dev", "eth0")
      try await ip("-n", foreign, "link", "set", "eth0", "up")
      let dhcp = try await startDHCP(LabDHCP(), namespace: foreign, folder: folder)
      return LabNetwork(applianceNamespace: appliance, foreignNamespace: foreign, dhcp: dhcp, folder: folder)
    } catch {
      for namespace in [appliance, foreign] { _ = try? await ip("netns", "delete", namespace) }
      throw error
    }
  }

  private static func startDHCP(_ settings: LabDHCP, namespace: String, folder: String) async throws -> LabProcess {
    try await LabProcess.start(
      "ip",
      [
        "netns", "exec", namespace, "dnsmasq", "--keep-in-foreground", "--conf-file=/dev/null", "--port=0",
        "--interface=eth0", "--bind-interfaces", "--dhcp-option=option:router,10.77.0.1",
        "--dhcp-leasefile=\(folder)/dhcp.leases", "--pid-file=", "--user=root", "--log-dhcp", "--log-facility=-",
      ] + settings.arguments, logPath: folder + "/dhcp.log")
  }

  /// Replaces the DHCP server by one with other settings that knows no leases, as a new router does.
  public func replaceDHCP(by settings: LabDHCP) async throws {
    await dhcp.withLock { $0 }.stop()
    let leases = folder + "/dhcp.leases"
    if FileManager.default.fileExists(atPath: leases) { try FileManager.default.removeItem(atPath: leases) }
    let fresh = try await Self.startDHCP(settings, namespace: foreignNamespace, folder: folder)
    dhcp.withLock { $0 = fresh }
  }

  /// What the DHCP server logged, all of them since the lab's start.
  public var dhcpLog: String { SerialConsole(path: folder + "/dhcp.log").text }

  /// Adds a tap to the bridge.
  func addTap(_ name: String) async throws {
    try await Self.ip("-n", applianceNamespace, "tuntap", "add", "dev", name, "mode", "tap")
    try await Self.ip("-n", applianceNamespace, "link", "set", name, "master", Self.bridge, "up")
  }

  func removeTap(_ name: String) async {
    _ = try? await Self.ip("-n", applianceNamespace, "link", "delete", name)
  }

  /// Throws where the DHCP server has ended.
  public func mustRun() throws { try dhcp.withLock { $0 }.mustRun() }

  /// Stops the DHCP server and removes the namespaces.
  public func stop() async {
    await dhcp.withLock { $0 }.stop()
    for namespace in [applianceNamespace, foreignNamespace] { _ = try? await Self.ip("netns", "delete", namespace) }
  }

  /// Removes what labs left behind whose process was killed, with the programs that still run in them.
  static func removeLeftovers() async {
    let names = (try? FileManager.default.contentsOfDirectory(atPath: "/run/netns")) ?? []
    for name in names where name.hasPrefix(prefix) {
      let owner = name.dropFirst(prefix.count).prefix { $0 != "-" }
      guard let owner = Int32(owner), !FileManager.default.fileExists(atPath: "/proc/\(owner)") else { continue }
      let running = (try? await LabTool.run("ip", ["netns", "pids", name])) ?? ""
      for number in running.split(whereSeparator: \.isWhitespace) {
        _ = try? await LabTool.run("kill", ["-KILL", String(number)])
      }
      _ = try? await ip("netns", "delete", name)
    }
  }

  private static func ip(_ arguments: String...) async throws {
    try await LabTool.run("ip", arguments)
  }
}
