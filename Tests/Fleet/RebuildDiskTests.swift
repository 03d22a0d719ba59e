import AgentProtocol
import BootDecision
import DiskLayout
import Fleet
import Foundation
import NetworkAddress
import Testing

@Suite("Disks of a rebuild")
struct RebuildDiskTests {
  @Test("a group that is missing stops the rebuild, and --lose-data for its disk, no other consent, lets it go on")
  func dataMissing() async throws {
    var node = try await InstalledMachine(Registry())
    node.hardware.disks.disks[0].contents.partitions[3].signatures = []
    try await node.rebuild()
    let reason = try #require(try await node.boot().reason)
    #expect(reason.contains(InstalledMachine.group) && reason.contains("SN1"))
    #expect(try await node.machine().planRefusal == reason)
    #expect(try await node.texts("refusal").count == 1)
    var approval = ApproveMachine()
    approval.consents = ["SN1"]
    _ = try await node.registry.fleet.approve("node1", approval)
    #expect(try await node.agent.task(node.registry).reason?.contains(InstalledMachine.group) == true)
    try await node.rebuild { $0.loseData = ["SN1"] }
    let task = try #require(try await node.agent.task(node.registry).install)
    #expect(task.rebuild?.volumeGroupUUID == nil && task.consent.disks.loseData.contains("SN1"))
    #expect(task.plan.volumeGroup.kept == nil)
    #expect(try await node.texts("consent").contains { $0.contains("lose the data") && $0.contains("SN1") })
  }

  @Test("the system's disk is replaced: its data is named as lost before, and the blank disk is used")
  func replacedDisk() async throws {
    var node = try await InstalledMachine(Registry())
    var request = RebuildRequest()
    request.replaceDisks = [.init(old: "SN1", new: "SN2")]
    let refused = await refusal { _ = try await node.registry.fleet.previewRebuild("node1", request) }
    let text = "\(try #require(refused))"
    #expect(text.contains("--lose-data SN1") && text.contains(InstalledMachine.group))
    request.loseData = ["SN1"]
    let preview = try await node.registry.fleet.previewRebuild("node1", request)
    #expect(preview.kept == nil && preview.lost.first?.contains(InstalledMachine.group) == true)
    #expect(preview.lost.contains { $0.contains("appdata") } && preview.text.contains("GiB"))
    try await node.rebuild { $0 = request }
    // Another disk than the announced one does not do.
    node.hardware.disks.disks = [InstalledMachine.disk("SN3")]
    #expect(try await node.boot().reason?.contains("SN2") == true)
    node.hardware.disks.disks = [InstalledMachine.disk("SN2")]
    let task = try #require(try await node.boot().install)
    #expect(task.plan.disk.serial == "SN2" && task.plan.situation == .blank)
    #expect(task.rebuild?.disks == [InstalledDisk(identifier: "SN2", serial: "SN2")])
    #expect(task.consent.disks == .none)
  }

  @Test("a machine without its recorded disk is refused with what is missing and how to say what replaced it")
  func missingDisk() async throws {
    var node = try await InstalledMachine(Registry())
    try await node.rebuild()
    // It has no name but its address: the disk is the only other evidence.
    node.hardware = try InstalledMachine.inventory(uuid: nil, serial: nil, disks: [InstalledMachine.disk("SN3")])
    _ = try node.registry.sql(
      "UPDATE machine SET evidence = json_remove(evidence, '$.uuid', '$.productSerial') RETURNING id", as: Int.self)
    let reason = try #require(try await node.boot().reason)
    for text in ["SN1", "SN3", "--replace-disk SN1=NEW"] { #expect(reason.contains(text), "\(reason)") }
    let machine = try await node.machine()
    #expect(machine.planRefusal == reason && machine.rebuild?.begun == false)
    // The same disk at another controller is the same disk.
    let table = "aaaaaaaa-0000-0000-0000-000000000001"
    let moved = Disk(
      id: "path:pci-1", node: "/dev/sdb", size: 500 << 30, bus: .sata,
      contents: DiskContents(table: PartitionTable(kind: "gpt", uuid: table)))
    var order = try #require(machine.rebuild)
    order.task.disks[0].partitionTableUUID = table.uppercased()
    #expect(order.missing(in: DiskInventory(disks: [moved]), name: machine.name) == nil)
  }

  @Test("with the data on a disk of its own, the system's disk is replaced without a loss, and the data's is not")
  func twoDisks() async throws {
    let node = try await InstalledMachine(
      Registry(), layout: LayoutSpec(systemDisk: .serial("SN1"), dataDisk: .serial("SN4")),
      disks: [InstalledMachine.disk("SN1"), InstalledMachine.disk("SN4")])
    var request = RebuildRequest()
    request.replaceDisks = [.init(old: "SN1", new: "SN2")]
    var preview = try await node.registry.fleet.previewRebuild("node1", request)
    #expect(preview.lost.isEmpty && preview.kept?.disks == ["ata-DISK_SN4"])
    #expect(preview.formatted.allSatisfy { $0.hasPrefix("SN2") } && preview.formatted.first?.contains("table") == true)
    request.replaceDisks = [.init(old: "SN4", new: "SN5")]
    let data = request
    let error = await refusal { _ = try await node.registry.fleet.previewRebuild("node1", data) }
    #expect("\(try #require(error))".contains("--lose-data SN4"))
    request.loseData = ["SN4"]
    preview = try await node.registry.fleet.previewRebuild("node1", request)
    #expect(preview.kept == nil && preview.lost.first?.contains("SN4") == true)
    #expect(preview.formatted.contains { $0.hasPrefix("SN5, partition") && $0.contains("LVM") })
    #expect(preview.formatted.contains { $0.hasPrefix("ata-DISK_SN1") && $0.contains("bootstead-system") })
  }

  @Test("a disk put in that is not blank is erased only by consent for its own serial number")
  func replacedByUsedDisk() async throws {
    var node = try await InstalledMachine(Registry())
    let used = InstalledMachine.disk("SN2", contents: DiskContents(signatures: [Signature(type: "ntfs")]))
    node.hardware.disks.disks = [used]
    try await node.rebuild {
      $0.replaceDisks = [.init(old: "ata-DISK_SN1", new: "SN2")]
      $0.loseData = ["SN1"]
    }
    #expect(try await node.boot().reason?.contains("ntfs") == true)
    try await node.rebuild {
      $0.replaceDisks = [.init(old: "SN1", new: "SN2")]
      $0.loseData = ["SN1"]
      $0.consents = ["SN2"]
    }
    #expect(try await node.agent.task(node.registry).install?.plan.situation == .consented)
  }
}
