import AgentProtocol
import DiskLayout
import Fleet
import Foundation
import NetworkAddress
import Testing

@Suite("Systems built for a layout")
struct BuiltLayoutTests {
  static let reason = "the closure was built for another layout; run: bootstead build node1"

  static func closure(_ digit: Int) -> String {
    "/nix/store/" + String(repeating: "\(digit)", count: 32) + "-nixos-system-node1"
  }

  /// What `bootstead build` does once Nix has ended.
  private func build(_ closure: String, in registry: Registry) async throws {
    let source = try await registry.fleet.nodeSource(
      of: "node1", appliance: ApplianceIdentity(url: "http://192.0.2.1:8080"))
    try await registry.fleet.record(
      build: "f", nixpkgs: nil, closure: closure, layout: source.configuration.layoutDigest, of: "node1")
  }

  private func bootDisk(_ task: InstallTask) throws -> String {
    struct Data: Decodable { var bootDisk: String }
    return try JSONDecoder().decode(Data.self, from: task.machineConfiguration).bootDisk
  }

  @Test("after a disk was replaced the agent waits for a system that is built for the new one, and goes on by itself")
  func replacedDisk() async throws {
    var node = try await InstalledMachine(Registry())
    try await build(Self.closure(1), in: node.registry)
    var request = RebuildRequest()
    request.replaceDisks = [.init(old: "SN1", new: "SN2")]
    request.loseData = ["SN1"]
    let preview = try await node.registry.fleet.previewRebuild("node1", request)
    #expect(preview.notes.contains { $0.contains("you run bootstead build node1") }, "\(preview.notes)")
    try await node.rebuild { $0 = request }
    node.hardware.disks.disks = [InstalledMachine.disk("SN2")]
    #expect(try await node.boot().reason == Self.reason)
    #expect(try await node.agent.task(node.registry).reason == Self.reason)
    let waiting = try await node.machine()
    #expect(waiting.planRefusal == Self.reason && waiting.rebuild?.begun == false && waiting.state == .booting)
    #expect(try await node.texts("refusal") == ["not installed: \(Self.reason)"], "said once")

    try await build(Self.closure(2), in: node.registry)
    #expect(try await node.machine().planRefusal == nil)
    let task = try #require(try await node.agent.task(node.registry).install)
    #expect(task.closure == Self.closure(2) && task.plan.disk.serial == "SN2")
    #expect(try bootDisk(task) == "/dev/disk/by-id/ata-DISK_SN2")
  }

  @Test("a rebuild on the same disk installs what was built for it")
  func sameDisk() async throws {
    var node = try await InstalledMachine(Registry())
    try await build(Self.closure(1), in: node.registry)
    try await node.rebuild()
    #expect(try await node.boot().install?.closure == Self.closure(1))
  }

  @Test(
    "a changed layout holds what was built before, and what was pushed or imported by hand is not held",
    arguments: [
      LayoutSpec(volumes: [VolumeSpec(name: "appdata", size: .poolPercent(40), mountPoint: "/srv/appdata")]),
      LayoutSpec(volumes: [VolumeSpec(name: "appdata", size: .poolPercent(50), mountPoint: "/srv/data")]),
      LayoutSpec(volumes: [VolumeSpec(name: "media", size: .poolPercent(50), mountPoint: "/srv/appdata")]),
    ])
  func changedLayout(layout: LayoutSpec) async throws {
    var node = try await InstalledMachine(Registry())
    try await build(Self.closure(1), in: node.registry)
    var change = SetMachine()
    change.layout = layout
    _ = try await node.registry.fleet.set("node1", change)
    try await node.rebuild()
    #expect(try await node.boot().reason == Self.reason)
    var byHand = SetMachine()
    byHand.closure = Self.closure(3)
    _ = try await node.registry.fleet.set("node1", byHand)
    #expect(try await node.agent.task(node.registry).install?.closure == Self.closure(3))
  }

  @Test("an install that goes on after a power cut with another disk is built for that one")
  func otherDiskWhileInstalling() async throws {
    let registry = try Registry()
    try await registry.add(closure: nil)
    func boot(_ serial: String) async throws -> AgentTask {
      registry.pass(seconds: 30)
      var agent = try Agent()
      _ = try await agent.claim(
        registry, nonce: try await registry.boot().nonce,
        inventory: InstalledMachine.inventory(disks: [InstalledMachine.disk(serial)]))
      return try await agent.task(registry)
    }
    #expect(try await boot("SN1").install == nil)
    try await build(Self.closure(1), in: registry)
    #expect(try bootDisk(try #require(try await boot("SN1").install)) == "/dev/disk/by-id/ata-DISK_SN1")
    #expect(try await boot("SN2").reason == Self.reason)
    let held = try await registry.fleet.machine("node1").machine
    #expect(held.state == .installing && held.plan?.disk.serial == "SN2")
    try await build(Self.closure(2), in: registry)
    let task = try #require(try await boot("SN2").install)
    #expect(try bootDisk(task) == "/dev/disk/by-id/ata-DISK_SN2" && task.closure == Self.closure(2))
  }

  @Test("builds of before this was recorded are not held")
  func unknownLayout() async throws {
    var node = try await InstalledMachine(Registry())
    try await build(Self.closure(1), in: node.registry)
    _ = try node.registry.sql("UPDATE build SET layout = NULL RETURNING id", as: Int.self)
    var change = SetMachine()
    change.layout = LayoutSpec()
    _ = try await node.registry.fleet.set("node1", change)
    try await node.rebuild()
    #expect(try await node.boot().install?.closure == Self.closure(1))
  }
}
