import AgentProtocol
import BootDecision
import DiskLayout
import Fleet
import Foundation
import NetworkAddress
import Testing

@Suite("Rebuild")
struct RebuildTests {
  @Test("the preview names disks, partitions, group, pool and volumes with their UUIDs, and changes nothing")
  func preview() async throws {
    let node = try await InstalledMachine(Registry())
    let before = try await node.machine()
    let preview = try await node.registry.fleet.previewRebuild("52:54:00:00:00:01", RebuildRequest())
    let plan = try #require(before.plan)
    #expect(preview.disks.map(\.serial) == ["SN1"] && preview.disks[0].size == 500 << 30)
    #expect(preview.formatted.count == 3 && preview.formatted.allSatisfy { $0.hasPrefix("ata-DISK_SN1") })
    #expect(!preview.formatted.contains { $0.contains("bootstead-data") })
    #expect(preview.kept?.uuid == InstalledMachine.group && preview.kept?.poolSize == plan.pool.size)
    #expect(preview.kept?.volumes.map(\.name) == ["appdata"])
    #expect(preview.kept?.volumes.first?.fileSystemUUID == plan.fileSystems.last?.uuid)
    #expect(preview.lost.isEmpty)
    for text in ["ata-DISK_SN1", "serial SN1", InstalledMachine.group, "data/pool", "data/appdata", "/srv/appdata"] {
      #expect(preview.text.contains(text), "\(text)")
    }
    let after = try await node.machine()
    #expect(after.state == .active && after.install == before.install && after.rebuild == nil)
  }

  @Test("a rebuild goes from an active machine to an active machine, with a new install that keeps the group")
  func wholeWay() async throws {
    var node = try await InstalledMachine(Registry())
    let first = try await node.machine()
    let armed = try await node.rebuild()
    #expect(armed.machine.state == .armed && armed.machine.install != first.install)
    #expect(armed.machine.rebuild?.begun == false)
    #expect(node.registry.fleet.directory.view(of: try MACAddress("525400000001"))?.intent == .install)
    let task = try #require(try await node.boot().install)
    let rebuild = try #require(task.rebuild)
    #expect(rebuild.volumeGroupUUID == InstalledMachine.group && rebuild.disks == [InstalledMachine.record])
    #expect(rebuild.tags == ["bootstead", "bootstead.machine=node1"] && !rebuild.mayRepairPool)
    #expect(task.plan.volumeGroup.kept == InstalledMachine.group && task.plan.situation == .own)
    #expect(task.consent.disks == .none)
    let print = VolumeFingerprint(name: "appdata", uuid: "u", size: 5, depth: .sampled, digest: "aa")
    try await node.agent.saved(
      node.registry,
      SavedDiskState(
        task: task.identifier, partitionTables: ["d": "label: gpt"], volumeGroups: ["data": "g"], fingerprints: [print])
    )
    try await node.agent.installed(
      node.registry, task: task.identifier, disks: [InstalledMachine.record], before: [print], after: [print])
    try await node.agent.report(node.registry)
    let last = try await node.machine()
    #expect(last.state == .active && last.rebuild == nil && last.finishedInstall == task.identifier)
    #expect(last.comparison?.isEqual == true)
    #expect(try await node.texts().contains { $0.contains("the data is what it was: 1 volume") })
    #expect(try await node.registry.fleet.machine("node1").saved.count == 1)
    // Nothing is left of the consent: the next boot is from the disk.
    #expect(try await node.registry.boot().intent == .localDisk)
  }

  @Test("consent is for one preview of one record: where the record changed, or none was seen, nothing is armed")
  func consent() async throws {
    let node = try await InstalledMachine(Registry())
    var request = RebuildRequest()
    #expect(await refusal { _ = try await node.registry.fleet.rebuild("node1", request) } is FleetError)
    request.digest = try await node.registry.fleet.previewRebuild("node1", request).digest
    var other = request
    other.mayRepairPool = true
    let changed = await refusal { _ = try await node.registry.fleet.rebuild("node1", other) }
    #expect("\(try #require(changed))".contains("expected \(request.digest ?? "")"))
    var setting = SetMachine()
    setting.layout = LayoutSpec()
    _ = try await node.registry.fleet.set("node1", setting)
    let stale = await refusal { _ = try await node.registry.fleet.rebuild("node1", request) }
    #expect("\(try #require(stale))".contains("changed since the preview"))
    #expect(try await node.registry.state() == .active)
  }

  @Test(
    "what does not fit the record is refused with what was expected and what was found",
    arguments: [
      ("disk", ["SN1", "SN9"]), ("sameDisk", ["SN1", "already"]), ("loseData", ["SN9", "SN1"]), ("wipe", ["SN1"]),
      ("wipeOther", ["SN7", "SN2"]), ("mac", ["52:54:00:00:00:09", "52:54:00:00:00:01"]),
      ("multicast", ["01:00:5e:00:00:01"]), ("takenMAC", ["node2"]), ("closure", ["/etc"]), ("twice", ["twice"]),
    ])
  func badInput(what: String, mentions: [String]) async throws {
    let node = try await InstalledMachine(Registry())
    try await node.registry.add("node2", macs: ["52:54:00:00:00:02"])
    var request = RebuildRequest()
    switch what {
    case "disk": request.replaceDisks = [.init(old: "SN9", new: "SN2")]
    case "sameDisk": request.replaceDisks = [.init(old: "SN1", new: "ata-DISK_SN1")]
    case "loseData": request.loseData = ["SN9"]
    case "wipe": request.consents = ["SN1"]
    case "wipeOther":
      request.replaceDisks = [.init(old: "SN1", new: "SN2")]
      request.loseData = ["SN1"]
      request.consents = ["SN7"]
    case "mac":
      request.replaceAddresses = [
        .init(old: try MACAddress("525400000009"), new: try MACAddress("525400000008"))
      ]
    case "multicast": request.replaceAddresses = [.init(old: nil, new: try MACAddress("01005e000001"))]
    case "takenMAC": request.replaceAddresses = [.init(old: nil, new: try MACAddress("525400000002"))]
    case "twice":
      request.loseData = ["SN1"]
      request.replaceDisks = [.init(old: "SN1", new: "SN2"), .init(old: "SN1", new: "SN3")]
    default: request.closure = "/etc"
    }
    let asked = request
    let text = "\(try #require(await refusal { _ = try await node.registry.fleet.previewRebuild("node1", asked) }))"
    for mention in mentions { #expect(text.contains(mention), "\(text)") }
    #expect(try await node.registry.state() == .active)
  }

  @Test("a machine that nobody knows, or that was never installed, or is being installed is not rebuilt")
  func states() async throws {
    let registry = try Registry()
    func preview(_ name: String) async -> String {
      await refusal { _ = try await registry.fleet.previewRebuild(name, RebuildRequest()) }.map { "\($0)" } ?? "done"
    }
    #expect(await preview("node9").contains("no machine 'node9'"))
    try await registry.add()
    #expect(await preview("node1").contains("nothing is on record"))
    var agent = try Agent()
    _ = try await agent.claim(registry, nonce: try await registry.boot().nonce)
    _ = try await agent.task(registry)
    #expect(await preview("node1").contains("is installing"))
    try await agent.failed(registry)
    #expect(await preview("node1").contains("nothing is on record"))
  }

  @Test("secrets of a rebuilt machine leave only after its new code was compared, and the preview says so before")
  func secrets() async throws {
    var node = try await InstalledMachine(Registry())
    try await node.registry.fleet.setSecret(Data("hush".utf8), named: "token", of: "node1")
    var request = RebuildRequest()
    let notes = try await node.registry.fleet.previewRebuild("node1", request).notes
    #expect(notes.contains { $0.contains("token are withheld") && $0.contains("--compare-code") })
    request.comparesCode = true
    let compared = request
    try await node.rebuild { $0 = compared }
    #expect(try await node.boot().reason?.contains("compare the code") == true)
    var approval = ApproveMachine()
    approval.code = try #require(try await node.registry.fleet.machine("node1").code).description
    _ = try await node.registry.fleet.approve("node1", approval)
    let task = try #require(try await node.agent.task(node.registry).install)
    #expect(task.rebuild != nil && task.sealedSecrets["token"] != nil && task.consent.trust == .codeCompared)
  }

  @Test("an address that the machine has already takes the place of the old one")
  func secondAddress() async throws {
    let node = try await InstalledMachine(Registry())
    let (old, new) = (try MACAddress("525400000001"), try MACAddress("525400000005"))
    var change = SetMachine()
    change.addAddresses = [new]
    _ = try await node.registry.fleet.set("node1", change)
    var request = RebuildRequest()
    request.replaceAddresses = [.init(old: nil, new: new)]
    let ambiguous = request
    let error = await refusal { _ = try await node.registry.fleet.previewRebuild("node1", ambiguous) }
    #expect("\(try #require(error))".contains("say which one is gone"))
    request.replaceAddresses = [.init(old: old, new: new)]
    let replaced = request
    #expect(try await node.rebuild { $0 = replaced }.addresses == [new])
  }

  @Test("a renamed machine's group is looked for by the tags that it carries")
  func renamed() async throws {
    var node = try await InstalledMachine(Registry())
    _ = try await node.registry.fleet.rename("node1", to: MachineName("attic"))
    var request = RebuildRequest()
    request.digest = try await node.registry.fleet.previewRebuild("attic", request).digest
    _ = try await node.registry.fleet.rebuild("attic", request)
    let task = try #require(try await node.boot().install)
    #expect(task.rebuild?.tags == ["bootstead", "bootstead.machine=node1"])
    #expect(task.plan.volumeGroup.tags == task.rebuild?.tags)
  }
}
