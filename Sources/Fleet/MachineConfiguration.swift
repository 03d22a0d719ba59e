import AgentProtocol
import DiskLayout
import Foundation
import NetworkAddress

/// `machine.json`: a machine's choices as data, for the modules of its node (`templates/schema/machine.schema.json`).
/// What is declared here is what is on the disk: both come from the one layout plan.
public struct MachineConfiguration: Codable, Sendable {
  public struct FileSystem: Codable, Sendable {
    public var mountPoint: String
    public var device: String
    public var type: String
    public var label: String
    public var options: [String]
    /// Bytes, as planned.
    public var size: UInt64?
  }

  public struct ThinPool: Codable, Sendable {
    public var volumeGroup: String
    public var pool: String
    /// Percent of use at which the pool grows, and by how much.
    public var autoextendThreshold: Int
    public var autoextendPercent: Int
    /// Bytes.
    public var size: UInt64
  }

  /// What starts the machine. The installer lays out each disk for both kinds of firmware where both exist.
  public enum Firmware: String, Codable, Sendable { case bios, uefi, both }

  /// The version of this schema.
  public var schema = 1
  public var name: MachineName
  /// Lasting, a UUID.
  public var identifier: String
  /// As Nix names platforms: `x86_64-linux`, `aarch64-linux`.
  public var system: String
  /// The NixOS release that the machine was first installed with.
  public var stateVersion: String
  public var addresses: [MACAddress]
  public var firmware: Firmware
  public var bootDisk: String
  /// Bytes.
  public var bootDiskSize: UInt64
  /// Where the data volume group has a disk of its own.
  public var dataDisk: String?
  /// Bytes.
  public var dataDiskSize: UInt64?
  public var fileSystems: [FileSystem]
  public var thinPool: ThinPool
  public var network: NodeNetwork?
  public var administrator: NodeAdministrator?
  public var appliance: ApplianceIdentity?
  public var roles: [String]
  public var stacks: [String]
  public var settings: [String: JSONValue]?
  public var modules: [String]?

  init(_ machine: Machine, plan: LayoutPlan, addresses: [MACAddress], appliance: ApplianceIdentity?) {
    name = machine.name
    identifier = machine.identifier
    system = machine.nixSystem
    stateVersion = machine.stateVersion
    self.addresses = addresses
    firmware = system.hasPrefix("x86_64") ? .both : .uefi
    bootDisk = plan.disk.devicePath
    bootDiskSize = plan.disk.size
    dataDisk = plan.dataDisk?.disk.devicePath
    dataDiskSize = plan.dataDisk?.disk.size
    fileSystems = plan.fileSystems.map { fileSystem in
      FileSystem(
        mountPoint: fileSystem.mountPoint, device: plan.stablePath(of: fileSystem), type: fileSystem.type.rawValue,
        label: fileSystem.label, options: fileSystem.options, size: plan.size(of: fileSystem))
    }
    thinPool = ThinPool(
      volumeGroup: plan.volumeGroup.name, pool: plan.pool.name, autoextendThreshold: plan.pool.autoextendThreshold,
      autoextendPercent: plan.pool.autoextendPercent, size: plan.pool.size)
    network = machine.choices.network
    administrator = machine.choices.administrator
    self.appliance = appliance
    roles = machine.roles
    stacks = machine.stacks
    var settings = machine.choices.settings
    if machine.layout.allowsOvercommit {
      let overcommit = JSONValue.object(["allowOvercommit": .bool(true)])
      settings["storage"] = settings["storage"].map { overcommit.merged(with: $0) } ?? overcommit
    }
    self.settings = settings.isEmpty ? nil : settings
    modules = machine.choices.modules.isEmpty ? nil : machine.choices.modules
  }

  public func encoded() throws -> Data {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .prettyPrinted, .withoutEscapingSlashes]
    return try encoder.encode(self) + Data("\n".utf8)
  }
}

/// The appliance as its nodes know it.
public struct ApplianceIdentity: Codable, Sendable, Hashable {
  public var url: String
  /// What signs its answers, base64.
  public var publicKey: String?
  /// What signs its store paths, `NAME:BASE64`.
  public var cacheKey: String?

  public init(url: String, publicKey: String? = nil, cacheKey: String? = nil) {
    (self.url, self.publicKey, self.cacheKey) = (url, publicKey, cacheKey)
  }
}

extension Machine {
  var layoutIdentity: LayoutIdentity {
    LayoutIdentity(machineName: name.text, machineID: identifier, installID: install)
  }

  /// The names in ``role``.
  public var roles: [String] { role.map { $0.split(separator: ",").map(String.init) } ?? [] }

  /// Its platform as Nix names it; what was never seen is taken for an x86 machine.
  public var nixSystem: String { inventory?.processor.architecture == "aarch64" ? "aarch64-linux" : "x86_64-linux" }
}
