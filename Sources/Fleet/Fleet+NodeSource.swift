import AgentProtocol
import DiskLayout
import Foundation
import GRDB

/// What a machine's flake is made of.
public struct NodeSource: Sendable {
  public var configuration: MachineConfiguration
  /// The owner's Nix files by path, as `modules/gpu.nix`.
  public var modules: [String: Data]
  /// Files of the owner's own stacks by path, as `stacks/wiki/compose.yaml`.
  public var stacks: [String: Data]

  public init(configuration: MachineConfiguration, modules: [String: Data], stacks: [String: Data] = [:]) {
    (self.configuration, self.modules, self.stacks) = (configuration, modules, stacks)
  }
}

extension Fleet {
  /// - Throws: ``FleetError/conflict(_:)`` where there is no layout yet, because nobody knows the machine's disks.
  public func nodeSource(of name: String, appliance: ApplianceIdentity) async throws -> NodeSource {
    try await database.read { database in
      let machine = try find(name, in: database)
      let configuration = try MachineConfiguration(
        machine, plan: currentPlan(of: machine, in: database), addresses: addresses(of: machine, in: database),
        appliance: appliance)
      let files = try DeclaredFiles.stored(in: database)?.files ?? [:]
      return NodeSource(
        configuration: configuration, modules: files.filter { $0.key.hasPrefix("modules/") },
        stacks: files.filter { DeclaredFiles.isStackFile($0.key) })
    }
  }

  /// What is on the machine's disks, or what its next install puts there.
  private func currentPlan(of machine: Machine, in database: Database) throws -> LayoutPlan {
    if let plan = machine.plan, machine.finishedInstall == machine.install || machine.state == .installing {
      return plan
    }
    guard let inventory = machine.inventory else {
      throw FleetError.conflict(
        "'\(machine.name)' has no layout yet, because its disks are not known: boot it from the network first")
    }
    do { return try plannedLayout(of: machine, inventory.disks, in: database) } catch let refusal as LayoutRefusal {
      throw FleetError.conflict("'\(machine.name)' has no layout: \(refusal)")
    }
  }
}
