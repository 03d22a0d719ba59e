import AgentProtocol
import DiskLayout
import Fleet
import Foundation
import NetworkAddress
import Testing

/// A machine that was installed and whose node reported, with the hardware that it shows.
struct InstalledMachine {
  static let group = "Zt4nWq-1a2B-c3D4-e5F6-g7H8-i9J0-kLmNoP"
  static let uuid = "4c4c4544-0042-3510-8052-b4c04f4e4831"

  let registry: Registry
  var agent: Agent
  /// As it is after the install.
  var hardware: MachineInventory
  var reports: UInt64 = 1

  static func inventory(
    mac: String = "52:54:00:00:00:01", uuid: String? = InstalledMachine.uuid, serial: String? = "PRODUCT1",
    disks: [Disk]
  ) throws -> MachineInventory {
    MachineInventory(
      processor: .init(architecture: "x86_64", threads: 2), memoryBytes: 1 << 30, firmware: .init(kind: .uefi),
      product: .init(serial: serial, uuid: try uuid.map { try SystemUUID($0) }),
      interfaces: [.init(name: "eth0", mac: try MACAddress(mac), hasLink: true)], disks: DiskInventory(disks: disks))
  }

  static func disk(_ serial: String, contents: DiskContents = DiskContents()) -> Disk {
    Disk(id: "ata-DISK_\(serial)", node: "/dev/sda", size: 500 << 30, bus: .sata, serial: serial, contents: contents)
  }

  /// - Parameter disks: the last of them gets the data.
  init(
    _ registry: Registry,
    layout: LayoutSpec = LayoutSpec(volumes: [
      VolumeSpec(name: "appdata", size: .poolPercent(50), mountPoint: "/srv/appdata")
    ]), disks: [Disk] = [InstalledMachine.disk("SN1")]
  ) async throws {
    self.registry = registry
    var request = AddMachine(
      name: try MachineName("node1"), addresses: [try MACAddress("52:54:00:00:00:01")], layout: layout)
    request.closure = Registry.closure
    _ = try await registry.fleet.add(request)
    agent = try Agent()
    hardware = try InstalledMachine.inventory(disks: disks)
    _ = try await agent.claim(registry, nonce: try await registry.boot().nonce, inventory: hardware)
    let task = try #require(try await agent.task(registry).install)
    hardware.disks.disks[0].contents = InstalledMachine.contents(of: task.plan)
    let records = disks.map { disk in
      var record = InstalledDisk(identifier: disk.id, serial: disk.serial)
      if disk.id == disks.last?.id {
        (record.volumeGroupName, record.volumeGroupUUID) = ("data", InstalledMachine.group)
      }
      return record
    }
    try await agent.installed(registry, task: task.identifier, disks: records)
    try await agent.report(registry)
  }

  static let record = InstalledDisk(
    identifier: "ata-DISK_SN1", serial: "SN1", partitionTableUUID: nil, volumeGroupName: "data",
    volumeGroupUUID: group)

  /// What an install leaves on its disk.
  static func contents(of plan: LayoutPlan, group: String? = InstalledMachine.group) -> DiskContents {
    DiskContents(
      table: PartitionTable(kind: "gpt", uuid: plan.tableUUID),
      partitions: plan.partitions.map { partition in
        var found = FoundPartition(
          number: partition.number, start: partition.start, size: partition.size, type: partition.typeGUID,
          name: partition.name, uuid: partition.uuid)
        if let system = plan.fileSystems.first(where: { $0.device == .partition(partition.role) }) {
          found.signatures = [Signature(type: system.type.rawValue, label: system.label, uuid: system.uuid)]
        }
        if partition.role == .data {
          found.signatures = [
            Signature(
              type: "LVM2_member", uuid: plan.volumeGroup.physicalVolumeUUID,
              volumeGroup: group.map {
                FoundVolumeGroup(name: plan.volumeGroup.name, uuid: $0, tags: plan.volumeGroup.tags)
              })
          ]
        }
        return found
      })
  }

  /// Previews and consents.
  @discardableResult
  func rebuild(_ change: (inout RebuildRequest) -> Void = { _ in }) async throws -> MachineDetail {
    var request = RebuildRequest()
    change(&request)
    request.digest = try await registry.fleet.previewRebuild("node1", request).digest
    return try await registry.fleet.rebuild("node1", request)
  }

  /// Boots the installer with new keys, and asks for its task.
  mutating func boot(_ mac: String = "52:54:00:00:00:01") async throws -> AgentTask {
    agent = try Agent()
    registry.pass(seconds: 30)
    _ = try await agent.claim(registry, nonce: try await registry.boot(mac).nonce, inventory: hardware)
    return try await agent.task(registry)
  }

  func machine() async throws -> Machine { try await registry.fleet.machine("node1").machine }

  func texts(_ kind: String? = nil) async throws -> [String] {
    try await registry.fleet.events(of: "node1").filter { kind == nil || $0.kind == kind }.map(\.text)
  }
}
