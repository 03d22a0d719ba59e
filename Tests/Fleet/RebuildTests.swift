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

  @Test("data that differs after a rebuild is an alarm, by the state that was saved before the first write")
  func differs() async throws {
    var node = try await InstalledMachine(Registry())
    try await node.rebuild()
    let task = try #require(try await node.boot().install)
    func print(_ digest: String) -> VolumeFingerprint {
      VolumeFingerprint(name: "appdata", uuid: "u", size: 5, depth: .full, digest: digest)
    }
    for digest in ["aa", "bb"] {
      try await node.agent.saved(
        node.registry,
        SavedDiskState(task: task.identifier, partitionTables: [:], volumeGroups: [:], fingerprints: [print(digest)]))
    }
    // An agent that began after a power cut took the second state for the one of before.
    try await node.agent.installed(
      node.registry, task: task.identifier, disks: [InstalledMachine.record], before: [print("bb")],
      after: [print("bb")])
    let machine = try await node.machine()
    #expect(machine.state == .installed && machine.comparison?.isEqual == false)
    #expect(machine.comparison?.differences.first?.contains("appdata") == true)
    #expect(try await node.texts("alarm").contains { $0.contains("THE DATA DIFFERS") })
  }

  @Test("a volume that nobody read afterwards counts as different")
  func unread() {
    let print = VolumeFingerprint(name: "appdata", uuid: "u", size: 5, depth: .full, digest: "aa")
    #expect(DataComparison(before: [print], after: [], at: Date()).differences.count == 1)
    #expect(DataComparison(before: [], after: [print], at: Date()).isEqual)
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

  @Test("a rebuild that failed goes on after an approval, with the same install and the same consent")
  func goesOn() async throws {
    var node = try await InstalledMachine(Registry())
    try await node.rebuild { $0.mayRepairPool = true }
    let first = try #require(try await node.boot().install)
    try await node.agent.failed(node.registry, error: "the pool is damaged")
    guard case .hold(let reason) = try await node.registry.boot().intent else {
      Issue.record("a failed machine was not held")
      return
    }
    #expect(reason.contains("the pool is damaged"))
    _ = try await node.registry.fleet.approve("node1", ApproveMachine())
    let second = try #require(try await node.boot().install)
    #expect(second.identifier == first.identifier && second.rebuild == first.rebuild)
    #expect(second.rebuild?.mayRepairPool == true)
  }

  @Test("a rebuild that nobody started in time leaves the machine as it was, and its node makes it active again")
  func window() async throws {
    let node = try await InstalledMachine(Registry())
    let before = try await node.machine()
    try await node.rebuild { $0.window = 60 }
    node.registry.pass(seconds: 61)
    #expect(try await node.registry.boot().intent == .localDisk)
    let after = try await node.machine()
    #expect(after.state == .approved && after.rebuild == nil && after.install == before.install)
    // An approval does not reinstall it.
    let approved = await refusal { _ = try await node.registry.fleet.approve("node1", ApproveMachine()) }
    #expect("\(try #require(approved))".contains("bootstead rebuild"))
    try await node.agent.report(node.registry, counter: 2)
    #expect(try await node.registry.state() == .active)
  }

  @Test("a frozen machine that was installed starts from its disk after the approval, and is not installed again")
  func frozen() async throws {
    let node = try await InstalledMachine(Registry())
    _ = try node.registry.sql("UPDATE machine SET state = 'frozen', reason = 'two' RETURNING id", as: Int.self)
    let detail = try await node.registry.fleet.approve("node1", ApproveMachine())
    #expect(detail.machine.state == .approved)
    #expect(try await node.registry.boot().intent == .localDisk)
  }

  @Test("the running node is told to start from the network until it was started anew")
  func networkBoot() async throws {
    let node = try await InstalledMachine(Registry())
    #expect(try await node.agent.report(node.registry, counter: 2).networkBoot == nil)
    try await node.rebuild { $0.now = true }
    let orders = try await node.agent.report(node.registry, counter: 3)
    #expect(orders.networkBoot != nil && orders.nextReport == 60)
    #expect(try await node.agent.report(node.registry, counter: 4).networkBoot == orders.networkBoot)
    #expect(try await node.registry.state() == .armed)
    #expect(try await node.agent.report(node.registry, counter: 5, boot: "c").networkBoot == nil)
    #expect(try await node.texts("alarm").contains { $0.contains("came up from its own disk") })
    #expect(try await node.registry.state() == .armed)
  }

  @Test("the order to start from the network ends when the install begins")
  func networkBootEnds() async throws {
    var node = try await InstalledMachine(Registry())
    try await node.rebuild { $0.now = true }
    #expect(try await node.boot().install != nil)
    #expect(try await node.machine().networkBoot == nil)
  }

  @Test(
    "a node that reports while its machine is armed, failed or frozen gets orders, and changes no state",
    arguments: ["armed", "booting", "failed", "frozen"])
  func reportsMeanwhile(state: String) async throws {
    let node = try await InstalledMachine(Registry())
    try await node.rebuild()
    _ = try node.registry.sql("UPDATE machine SET state = '\(state)' RETURNING id", as: Int.self)
    node.registry.pass(seconds: 100)
    let orders = try await node.agent.report(node.registry, counter: 2)
    #expect(orders.nextReport == 60)
    let machine = try await node.machine()
    #expect(machine.state.rawValue == state)
    #expect(machine.lastSeen == machine.reportedAt && machine.reportedAt != nil)
  }

  @Test("what was saved is bounded, and the first state of an install stays")
  func savedBound() async throws {
    var node = try await InstalledMachine(Registry())
    try await node.rebuild()
    let task = try #require(try await node.boot().install)
    for index in 0..<20 {
      try await node.agent.saved(
        node.registry, SavedDiskState(task: task.identifier, partitionTables: ["d": "\(index)"], volumeGroups: [:]))
    }
    let states = try await node.registry.fleet.savedStates(of: "node1")
    #expect(states.map(\.state.partitionTables) == [["d": "0"], ["d": "17"], ["d": "18"], ["d": "19"]])
    let other = await refusal {
      try await node.agent.saved(
        node.registry, SavedDiskState(task: "other", partitionTables: [:], volumeGroups: [:]))
    }
    #expect((other as? AgentRefusal)?.code == .notExpected)
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
