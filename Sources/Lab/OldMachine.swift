import Foundation

/// A machine that runs Debian from its own disk, with an SSH server, and whose firmware boots from nothing else.
public struct OldMachine: Sendable {
  /// How the old system has its network.
  public enum Network: String, Sendable { case fixed = "static", dhcp, vlan, ipv6, bond }

  public var configuration: LabMachine.Configuration
  public let disk: LabDisk
  /// The private key that may log in.
  public let identity: String

  /// A switch for ``Network/vlan``: a machine of the same disk that carries the lab's bridge to the old machine as VLAN 7.
  /// The kernel below a lab need not know VLANs; the machine's does.
  public static func vlanSwitch(source: String, artifacts: String, folder: String) async throws
    -> LabMachine.Configuration
  {
    let template = try await LabArtifacts.debianDisk(source: source, folder: artifacts)
    let path = folder + "/switch.raw"
    try await LabTool.run("cp", ["--sparse=always", template, path])
    var configuration = LabMachine.Configuration(
      name: "switch", firmware: .bios, mac: "52:54:00:99:00:01",
      disks: [LabDisk(path: path, serial: "SWITCH", format: .raw)])
    configuration.bootsFromNetwork = false
    configuration.memoryMiB = 256
    configuration.arguments = [
      "-fw_cfg", "name=opt/bootstead/network,string=switch",
      "-netdev", "socket,id=net1,udp=127.0.0.1:7001,localaddr=127.0.0.1:7002",
      "-device", "virtio-net-pci,netdev=net1,mac=52:54:00:99:00:02,romfile=",
    ]
    return configuration
  }

  /// The address that it had at its last start, as its console shows it.
  public func address(on console: String) -> String? {
    let line = console.split(whereSeparator: \.isNewline).last { $0.contains("old debian: network: ") }
    return line?.split(separator: " ").last { $0.contains("/") }?.split(separator: "/").first.map(String.init)
  }

  /// Runs a line in a shell of the machine, as if it was pasted there. It may end with the machine's system.
  public func type(_ line: String, at address: String, in network: LabNetwork) async throws {
    _ = try? await LabTool.run(
      "ip",
      [
        "netns", "exec", network.applianceNamespace, "ssh", "-i", identity, "-o", "StrictHostKeyChecking=no", "-o",
        "UserKnownHostsFile=/dev/null", "-o", "ServerAliveInterval=10", "-o",
        "ServerAliveCountMax=12", "-o", "BatchMode=yes", "root@\(address)", line,
      ])
  }

  /// The fingerprint of the key that its SSH server shows.
  public func hostKey(at address: String, in network: LabNetwork, folder: String) async throws -> String {
    let shown = try await LabTool.run(
      "ip", ["netns", "exec", network.applianceNamespace, "ssh-keyscan", "-t", "ed25519", address])
    let path = folder + "/shown"
    try Data(shown.utf8).write(to: URL(fileURLWithPath: path))
    let words = try await LabTool.run("ssh-keygen", ["-l", "-f", path]).split(separator: " ")
    guard let key = words.first(where: { $0.hasPrefix("SHA256:") }) else {
      throw LabError.unexpectedAnswer(command: "ssh-keyscan \(address)", output: shown)
    }
    return String(key)
  }

  /// Lays disk and key into `folder`.
  public static func make(
    name: String, mac: String, network: Network, source: String, artifacts: String, folder: String
  ) async throws -> OldMachine {
    let template = try await LabArtifacts.debianDisk(source: source, folder: artifacts)
    let path = folder + "/\(name).raw"
    try await LabTool.run("cp", ["--sparse=always", template, path])
    // As large as the machine's disk: what was added reads as zero.
    try await LabTool.run("truncate", ["-s", "24G", path])
    let identity = folder + "/\(name).key"
    try await LabTool.run("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-f", identity])
    let disk = LabDisk(path: path, serial: "OLD1", format: .raw)
    var configuration = LabMachine.Configuration(name: name, firmware: .bios, mac: mac, disks: [disk])
    configuration.bootsFromNetwork = false
    if network == .vlan { configuration.backend = "socket,udp=127.0.0.1:7002,localaddr=127.0.0.1:7001" }
    configuration.arguments = [
      "-fw_cfg", "name=opt/bootstead/network,string=\(network.rawValue)",
      "-fw_cfg", "name=opt/bootstead/authorized_key,file=\(identity).pub",
    ]
    return OldMachine(configuration: configuration, disk: disk, identity: identity)
  }
}
