/// What the appliance lays into the initrd for one boot, as JSON at ``path``. It holds no secret: the network may
/// read it and change it, which the short code shows.
public struct BootOverlay: Hashable, Sendable, Codable {
  /// In the initrd's root file system.
  public static let path = "/etc/bootstead/boot.json"

  /// What the agent is to do.
  public enum Mode: String, Hashable, Sendable, Codable, CaseIterable {
    case install, inventory, rescue
  }

  /// `http://192.0.2.1:8080`: an address, never a name (a static agent has no resolver), without a trailing slash.
  public var applianceURL: String
  public var appliancePublicKey: SigningPublicKey
  public var bootNonce: BootNonce
  /// Nil for a machine that nobody named yet.
  public var machineName: String?
  public var mode: Mode
  /// After so many seconds without an answer of the appliance, and nothing written, the machine restarts into the
  /// system that is still on its disk. Nil for machines that have none to go back to.
  public var watchdogSeconds: Int?

  public init(
    applianceURL: String, appliancePublicKey: SigningPublicKey, bootNonce: BootNonce, machineName: String?, mode: Mode,
    watchdogSeconds: Int? = nil
  ) {
    self.applianceURL = applianceURL
    self.appliancePublicKey = appliancePublicKey
    self.bootNonce = bootNonce
    self.machineName = machineName
    self.mode = mode
    self.watchdogSeconds = watchdogSeconds
  }
}
