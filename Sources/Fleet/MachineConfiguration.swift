import DiskLayout
import Foundation
import NetworkAddress

/// `machine.json`: a machine's choices as data, for the modules of its node. What is declared here is what is on the
/// disk: both come from the one layout plan.
public struct MachineConfiguration: Codable, Sendable {
  public struct FileSystem: Codable, Sendable {
    public var mountPoint: String
    public var device: String
    public var type: String
    public var label: String
    public var options: [String]
  }

  public struct ThinPool: Codable, Sendable {
    public var volumeGroup: String
    public var pool: String
    /// Percent of use at which the pool grows, and by how much.
    public var autoextendThreshold: Int
    public var autoextendPercent: Int
  }

  /// The version of this schema.
  public var schema = 1
  public var name: MachineName
  public var addresses: [MACAddress]
  public var role: String?
  public var stacks: [String]
  public var bootDisk: String
  public var fileSystems: [FileSystem]
  public var thinPool: ThinPool

  init(_ machine: Machine, plan: LayoutPlan, addresses: [MACAddress]) {
    name = machine.name
    self.addresses = addresses
    role = machine.role
    stacks = machine.stacks
    bootDisk = "/dev/disk/by-id/" + plan.disk.id
    fileSystems = plan.fileSystems.map { fileSystem in
      FileSystem(
        mountPoint: fileSystem.mountPoint, device: plan.stablePath(of: fileSystem), type: fileSystem.type.rawValue,
        label: fileSystem.label, options: fileSystem.options)
    }
    thinPool = ThinPool(
      volumeGroup: plan.volumeGroup.name, pool: plan.pool.name, autoextendThreshold: plan.pool.autoextendThreshold,
      autoextendPercent: plan.pool.autoextendPercent)
  }

  func encoded() throws -> Data {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .prettyPrinted, .withoutEscapingSlashes]
    return try encoder.encode(self)
  }
}

extension Machine {
  var layoutIdentity: LayoutIdentity {
    LayoutIdentity(machineName: name.text, machineID: identifier, installID: install)
  }
}
