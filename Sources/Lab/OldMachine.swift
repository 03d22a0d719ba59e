import Foundation

/// A machine that runs Debian from its own disk, with an SSH server, and whose firmware boots from nothing else.
public struct OldMachine: Sendable {
  /// How the old system has its network.
  public enum Network: String, Sendable { case fixed = "static", dhcp, vlan, ipv6, bond }

  public let configuration: LabMachine.Configuration
  public let disk: LabDisk
  /// The private key that may log in.
  public let identity: String

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
    configuration.arguments = [
      "-fw_cfg", "name=opt/bootstead/network,string=\(network.rawValue)",
      "-fw_cfg", "name=opt/bootstead/authorized_key,file=\(identity).pub",
    ]
    return OldMachine(configuration: configuration, disk: disk, identity: identity)
  }
}
