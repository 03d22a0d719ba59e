import AgentProtocol
import DiskLayout
import Foundation
import NodeAgent
import NodeFiles
import ProgramRunner
import Synchronization
import Testing

@Suite("What a rebuild keeps")
struct KeptDataTests {
  private static func identity(_ install: String) -> LayoutIdentity {
    LayoutIdentity(machineName: "node1", machineID: "machine-1", installID: install)
  }

  private func plan(_ machine: FakeMachine, _ install: String) throws -> LayoutPlan {
    try LayoutPlanner.plan(
      inventory: machine.disks(), spec: DiskExecutorTests.spec, identity: Self.identity(install))
  }

  private func executor(_ plan: LayoutPlan, _ machine: FakeMachine) -> DiskExecutor {
    DiskExecutor(plan: plan, runner: machine, source: machine, hasUdev: true)
  }

  /// A machine after its first install, switched on again.
  private func installed() async throws -> FakeMachine {
    let machine = FakeMachine(DiskInventory(disks: [DiskExecutorTests.blank()]))
    let first = executor(try plan(machine, "install-1"), machine)
    _ = try await first.run()
    try await first.unmount()
    machine.restart()
    return machine
  }

  private func rebuild(_ plan: LayoutPlan, _ change: (inout RebuildTask) -> Void = { _ in }) -> RebuildTask {
    var rebuild = RebuildTask(
      volumeGroupUUID: FakeMachine.Group.uuid, tags: ["bootstead", "bootstead.machine=node1"],
      disks: [
        InstalledDisk(
          identifier: plan.disk.id, serial: plan.disk.serial, partitionTableUUID: plan.tableUUID,
          volumeGroupName: "data", volumeGroupUUID: FakeMachine.Group.uuid)
      ])
    change(&rebuild)
    return rebuild
  }

  private func task(_ plan: LayoutPlan) -> InstallTask {
    InstallTask(
      identifier: "install-2", machineName: "node1", plan: plan, closure: "/nix/store/x", cachePublicKeys: [],
      machineConfiguration: Data(), consent: ConsentRecord(trust: .codeCompared, grantedBy: "operator", grantedAt: 0))
  }

  private func data(_ machine: FakeMachine) -> KeptData {
    KeptData(
      runner: machine, source: machine, reader: FakeReader(machine: machine),
      scratch: machine.scratch, hasUdev: true)
  }

  /// True for a command that changes what is on a disk.
  private func isWriting(_ command: Command) -> Bool {
    switch command.program {
    case "dmsetup", "thin_check", "udevadm": false
    case "sfdisk": command.arguments.first != "--dump"
    case "lvm": command.arguments.first != "vgcfgbackup" && !command.arguments.contains { $0.contains("/pool_t") }
    default: true
    }
  }

  @Test("A machine as recorded: its state is saved before the first write, its data is the same before and after")
  func asRecorded() async throws {
    let machine = try await installed()
    let second = try plan(machine, "install-2")
    let rebuild = rebuild(second)
    let before = machine.commands.count
    let saved = Saved()
    let prints = try await data(machine).prepare(task(second), rebuild, say: { _ in }, save: saved.add)
    #expect(!machine.commands.dropFirst(before).contains(where: isWriting))
    #expect(machine.state.withLock { $0.mapped.isEmpty && $0.active.isEmpty })
    let state = try #require(saved.states.first)
    #expect(saved.states.count == 1)
    #expect(state.task == "install-2" && state.fingerprints == prints)
    #expect(state.partitionTables == ["virtio-LAB0001": "label: gpt\n"])
    #expect(state.volumeGroups["data"]?.contains(FakeMachine.Group.uuid) == true)
    #expect(prints.map(\.name) == ["bulk", "photos"])
    #expect(prints.allSatisfy { $0.size == 4000 << 20 && $0.uuid == "uuid-of-\($0.name)" })

    let executor = executor(second, machine)
    _ = try await executor.run()
    try await executor.unmount()
    #expect(try await data(machine).fingerprints(task(second), rebuild, say: { _ in }) == prints)
    #expect(machine.state.withLock { $0.mapped.isEmpty })
  }

  @Test("After a power cut at any command the same rebuild begins again and finds the same data")
  func powerCuts() async throws {
    func run(_ machine: FakeMachine, _ saved: Saved) async throws -> [VolumeFingerprint] {
      let plan = try plan(machine, "install-2")
      let rebuild = rebuild(plan)
      let before = try await data(machine).prepare(task(plan), rebuild, say: { _ in }, save: saved.add)
      _ = try await executor(plan, machine).run()
      try await executor(plan, machine).unmount()
      let after = try await data(machine).fingerprints(task(plan), rebuild, say: { _ in })
      #expect(before == after)
      return after
    }
    let whole = try await installed()
    let start = whole.commands.count
    let expected = try await run(whole, Saved())
    let count = whole.commands.count - start
    #expect(count > 30)
    for power in 1..<count {
      let machine = try await installed()
      machine.restart(power: power)
      let saved = Saved()
      await #expect(throws: (any Error).self) { _ = try await run(machine, saved) }
      let wrote = machine.commands.dropFirst(start).contains(where: isWriting)
      #expect(!wrote || saved.states.count == 1)
      machine.restart()
      #expect(try await run(machine, saved) == expected)
    }
  }

  static let changes: [(String, @Sendable (FakeMachine) -> Void, @Sendable (inout RebuildTask) -> Void)] = [
    (
      "serial number LAB0001, found serial number OTHER",
      { $0.state.withLock { $0.inventory.disks[0].serial = "OTHER" } }, { _ in }
    ),
    ("partition table 00000000", { _ in }, { $0.disks[0].partitionTableUUID = "00000000" }),
    ("UUID other, found data " + FakeMachine.Group.uuid, { _ in }, { $0.volumeGroupUUID = "other" }),
    (
      "the tags bootstead, bootstead.machine=node1, found the tags other",
      { $0.state.withLock { $0.group?.tags = ["other"] } }, { _ in }
    ),
    (
      "no such disk; there is virtio-LAB0001 (serial LAB0001)", { _ in },
      { $0.disks.append(InstalledDisk(identifier: "ata-GONE", serial: "GONE", partitionTableUUID: "11111111")) }
    ),
    (
      "disk ata-GONE: expected serial number GONE, partition table 11111111", { _ in },
      { $0.disks.append(InstalledDisk(identifier: "ata-GONE", serial: "GONE", partitionTableUUID: "11111111")) }
    ),
    ("the physical volume second", { $0.state.withLock { $0.otherMembers = ["second"] } }, { _ in }),
  ]

  @Test(
    "What is not as recorded is told with what was expected and found, and nothing is written",
    arguments: changes.indices)
  func differences(_ index: Int) async throws {
    let (words, change, changeRecord) = Self.changes[index]
    let machine = try await installed()
    let second = try plan(machine, "install-2")
    change(machine)
    let before = machine.commands.count
    let saved = Saved()
    let error = await #expect(throws: RebuildRefusal.self) {
      _ = try await data(machine).prepare(
        task(second), rebuild(second, changeRecord), say: { _ in }, save: saved.add)
    }
    let text = "\(error.map(String.init(describing:)) ?? "")"
    #expect(text.contains(words), "\(text)")
    #expect(text.contains("nothing was written"))
    #expect(!machine.commands.dropFirst(before).contains(where: isWriting))
    #expect(saved.states.isEmpty)
  }

  @Test("A plan that does not keep the recorded group is refused")
  func otherPlan() async throws {
    let machine = try await installed()
    var second = try plan(machine, "install-2")
    second.volumeGroup.kept = nil
    await #expect(throws: RebuildRefusal.self) {
      _ = try await data(machine).prepare(task(second), rebuild(second), say: { _ in }, save: { _ in })
    }
  }

  @Test("A disk on another controller is known by its partition table and serial number")
  func otherController() async throws {
    let machine = try await installed()
    let second = try plan(machine, "install-2")
    let record = rebuild(second) { $0.disks[0].identifier = "path:pci-0000:09:00.0" }
    let prints = try await data(machine).prepare(task(second), record, say: { _ in }, save: { _ in })
    #expect(prints.count == 2)
  }

  @Test("A damaged pool is refused with the way to repair it, and nothing is written")
  func damagedPool() async throws {
    let machine = try await installed()
    let second = try plan(machine, "install-2")
    machine.state.withLock { $0.poolDamage = ["bad checksum in btree node (block 62)"] }
    let before = machine.commands.count
    let saved = Saved()
    let error = await #expect(throws: RebuildRefusal.self) {
      _ = try await data(machine).prepare(task(second), rebuild(second), say: { _ in }, save: saved.add)
    }
    let text = "\(error.map(String.init(describing:)) ?? "")"
    #expect(text.contains("bootstead rebuild node1 --repair-pool") && text.contains("block 62"))
    #expect(!machine.commands.dropFirst(before).contains(where: isWriting))
    #expect(saved.states.isEmpty && machine.state.withLock { $0.mapped.isEmpty })
  }

  @Test("With consent a damaged pool is repaired once its group's metadata is saved")
  func repair() async throws {
    let machine = try await installed()
    let second = try plan(machine, "install-2")
    machine.state.withLock { $0.poolDamage = ["bad checksum"] }
    let saved = Saved()
    let before = machine.commands.count
    let prints = try await data(machine).prepare(
      task(second), rebuild(second) { $0.mayRepairPool = true }, say: { _ in },
      save: { state in
        if saved.states.isEmpty { #expect(!machine.commands.dropFirst(before).contains(where: isWriting)) }
        saved.add(state)
      })
    #expect(prints.count == 2 && saved.states.count == 2)
    #expect(machine.commands.dropFirst(before).filter(isWriting).map { $0.arguments.first } == ["lvconvert"])
    #expect(machine.state.withLock { $0.group?.volumes["pool_meta0"] != nil })
  }

  @Test("A pool that lost a volume stops the rebuild")
  func lostVolume() async throws {
    let machine = try await installed()
    let second = try plan(machine, "install-2")
    machine.state.withLock { _ = $0.lostVolumes.insert("6") }
    let error = await #expect(throws: RebuildRefusal.self) {
      _ = try await data(machine).prepare(task(second), rebuild(second), say: { _ in }, save: { _ in })
    }
    #expect("\(error.map(String.init(describing:)) ?? "")".contains("photos"))
    #expect(machine.state.withLock { $0.mapped.isEmpty })
  }

  @Test("A full pool is told, and its data is kept")
  func fullPool() async throws {
    let machine = try await installed()
    let second = try plan(machine, "install-2")
    machine.state.withLock {
      $0.poolStatus = "0 1 thin-pool 2 6144/6144 256000/256000 - ro discard_passdown queue_if_no_space needs_check 1024"
    }
    let said = Said()
    let prints = try await data(machine).prepare(task(second), rebuild(second), say: said.add, save: { _ in })
    #expect(prints.count == 2)
    for words in ["data space is full", "metadata space is full", "needs_check"] {
      #expect(said.lines.contains { $0.contains(words) })
    }
  }

  @Test("A rebuild that gives the data up saves the partition table and reads no volume")
  func dataGivenUp() async throws {
    let machine = try await installed()
    let second = try plan(machine, "install-2")
    let saved = Saved()
    let prints = try await data(machine).prepare(
      task(second), rebuild(second) { $0.volumeGroupUUID = nil }, say: { _ in }, save: saved.add)
    #expect(prints.isEmpty && saved.states.first?.partitionTables.count == 1)
  }
}

/// Gives each volume a digest by its number, while it is open.
struct FakeReader: VolumeReading {
  struct NotOpen: Error {}

  let machine: FakeMachine

  func digest(ofDevice path: String, size: UInt64, depth: FingerprintDepth) async throws -> String {
    guard machine.state.withLock({ $0.mapped.contains(FileSystemEntry(path).name) }) else { throw NotOpen() }
    return "digest of \(path)"
  }
}

final class Saved: Sendable {
  private let all = Mutex<[SavedDiskState]>([])
  var states: [SavedDiskState] { all.withLock { $0 } }
  @Sendable func add(_ state: SavedDiskState) { all.withLock { $0.append(state) } }
}

final class Said: Sendable {
  private let all = Mutex<[String]>([])
  var lines: [String] { all.withLock { $0 } }
  @Sendable func add(_ line: String) { all.withLock { $0.append(line) } }
}
