/// The design `pbs`: archives of folders on a Proxmox Backup Server.
public struct ProxmoxSettings: Sendable, Hashable, Decodable {
  /// One archive each.
  public var paths: [String]
  /// The name space on the server; its root where there is none.
  public var namespace: String?
  public var retention: Retention
}
