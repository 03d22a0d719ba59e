import DiskLayout
import FoundationEssentials

/// One install, as the appliance planned it and the operator consented to it.
public struct InstallTask: Sendable, Codable {
  /// Names this install in reports and in the event log.
  public var identifier: String
  public var machineName: String
  public var plan: LayoutPlan
  /// `/nix/store/HASH-nixos-system-…`; nil where the machine builds its system itself.
  public var closure: String?
  /// What the machine builds its system from, where it does.
  public var flake: InstallFlake?
  /// Below the appliance's URL: `/cache`.
  public var cachePath: String
  /// `NAME:BASE64`; every store path carries a signature by one of them.
  public var cachePublicKeys: [String]
  /// Such as `console=ttyS0,115200`; put into machine.json's kernel arguments by the appliance, shown here for the log.
  public var consoleArguments: [String]
  /// Binary age files for the recipient of the agent's hello, by the name of the secret: letters, digits, `.`, `_`, `-`.
  public var sealedSecrets: [String: Data]
  /// The bytes of `/var/lib/bootstead/machine.json`.
  public var machineConfiguration: Data
  public var consent: ConsentRecord
  /// Nil for a first install.
  public var rebuild: RebuildTask?

  public init(
    identifier: String, machineName: String, plan: LayoutPlan, closure: String?, flake: InstallFlake? = nil,
    cachePath: String = "/cache", cachePublicKeys: [String], consoleArguments: [String] = [],
    sealedSecrets: [String: Data] = [:],
    machineConfiguration: Data, consent: ConsentRecord, rebuild: RebuildTask? = nil
  ) {
    self.identifier = identifier
    self.machineName = machineName
    self.plan = plan
    self.closure = closure
    self.flake = flake
    self.cachePath = cachePath
    self.cachePublicKeys = cachePublicKeys
    self.consoleArguments = consoleArguments
    self.sealedSecrets = sealedSecrets
    self.machineConfiguration = machineConfiguration
    self.consent = consent
    self.rebuild = rebuild
  }
}

/// A machine's flake, as the appliance serves it.
public struct InstallFlake: Hashable, Sendable, Codable {
  /// Below the appliance's URL: `/flake/NAME.tar.gz`.
  public var path: String
  /// SHA-256 of the archive, hexadecimal.
  public var digest: String
  /// Bytes of the archive.
  public var size: Int
  /// SHA-256 over the flake's files, hexadecimal: by it the appliance knows it again.
  public var identity: String

  public init(path: String, digest: String, size: Int, identity: String) {
    (self.path, self.digest, self.size, self.identity) = (path, digest, size, identity)
  }
}

/// Who allowed what to be written over, and how sure it is which machine this is.
public struct ConsentRecord: Hashable, Sendable, Codable {
  /// How the machine was told from another one.
  public enum Trust: String, Hashable, Sendable, Codable {
    /// The operator compared the short code.
    case codeCompared
    /// Nobody compared it.
    case firstUse
  }

  public var trust: Trust
  /// The operator, as the appliance knows them.
  public var grantedBy: String
  /// Seconds since 1970.
  public var grantedAt: Int64
  /// The disks that may be overwritten although they are not blank.
  public var disks: Consent

  public init(trust: Trust, grantedBy: String, grantedAt: Int64, disks: Consent = .none) {
    self.trust = trust
    self.grantedBy = grantedBy
    self.grantedAt = grantedAt
    self.disks = disks
  }
}
