import AgentProtocol
import DiskLayout
import NodeAgent
import ProgramRunner
import Synchronization
import Testing

@Suite("Erasing disks that are given away")
struct DiskWiperTests {
  static let used: Disk = {
    var disk = DiskExecutorTests.blank()
    disk.contents = DiskContents(
      table: PartitionTable(kind: "gpt", uuid: "foreign"),
      partitions: [
        FoundPartition(number: 1, start: 1 << 20, size: 1 << 30, type: "x", signatures: [Signature(type: "ext4")])
      ])
    return disk
  }()

  private func machine(_ change: (inout Disk) -> Void = { _ in }) -> FakeMachine {
    var disk = Self.used
    change(&disk)
    let machine = FakeMachine(DiskInventory(disks: [disk, DiskExecutorTests.other]))
    machine.restart()
    return machine
  }

  private func wiper(_ machine: FakeMachine, isZero: Bool = true) -> DiskWiper {
    DiskWiper(runner: machine, source: machine, reader: FakeZeros(answer: isZero), hasUdev: true)
  }

  private static let task = WipeTask(
    identifier: "wipe-1", disks: [WipeDisk(identifier: "virtio-LAB0001", serial: "LAB0001")])

  @Test("A disk loses its signatures and its content; no other disk is named")
  func discard() async throws {
    let machine = machine()
    #expect(try await wiper(machine).wipe(Self.task) { _ in } == ["virtio-LAB0001": "discard"])
    #expect(machine.disks().disks[0].contents.isBlank)
    #expect(machine.commands.filter { $0.program == "wipefs" }.map { $0.arguments.last } == ["/dev/vda1", "/dev/vda"])
    #expect(!machine.commands.contains { "\($0)".contains("sda") })
  }

  @Test("Where a disk does not discard, or gives back what was there, both of its ends are written over")
  func signatures() async throws {
    for (discards, isZero) in [(false, true), (true, false)] {
      let machine = machine()
      machine.state.withLock { $0.discards = discards }
      #expect(try await wiper(machine, isZero: isZero).wipe(Self.task) { _ in } == ["virtio-LAB0001": "signatures"])
      let written = machine.commands.filter { $0.program == "dd" }
      #expect(written.allSatisfy { $0.arguments.contains("of=/dev/vda") })
      #expect(written.map { $0.arguments[4] } == ["seek=0", "seek=\((40 << 10) - 1)"])
    }
  }

  static let refusals: [(String, @Sendable (inout Disk) -> Void)] = [
    ("expected serial number LAB0001, found serial number LAB0002", { $0.serial = "LAB0002" }),
    ("found no serial number", { $0.serial = nil }),
    ("is not in this machine", { $0.id = "virtio-LAB0002" }),
    ("started from it", { $0.isBootMedium = true }),
    ("read-only", { $0.isReadOnly = true }),
    ("no medium", { $0.size = 0 }),
    ("mount at /srv", { $0.users = ["mount at /srv"] }),
    ("in use by md0", { $0.users = ["md0"] }),
  ]

  @Test("A disk that is not the consented one, or is in use, is not touched", arguments: refusals.indices)
  func refused(_ index: Int) async throws {
    let (words, change) = Self.refusals[index]
    let machine = machine(change)
    let error = await #expect(throws: WipeRefusal.self) { _ = try await wiper(machine).wipe(Self.task) { _ in } }
    #expect("\(error.map(String.init(describing:)) ?? "")".contains(words))
    #expect(machine.commands.isEmpty)
  }

  @Test("One wrong disk in a task, and none of its disks is touched")
  func oneWrong() async throws {
    let machine = machine()
    var task = Self.task
    task.disks.append(WipeDisk(identifier: "ata-OTHER", serial: "WRONG"))
    await #expect(throws: WipeRefusal.self) { _ = try await wiper(machine).wipe(task) { _ in } }
    #expect(machine.commands.isEmpty)
  }

  @Test("After a power cut at any command the task is done again to its end")
  func powerCuts() async throws {
    let whole = machine()
    _ = try await wiper(whole).wipe(Self.task) { _ in }
    for power in 1..<whole.commands.count {
      let machine = machine()
      machine.restart(power: power)
      await #expect(throws: (any Error).self) { _ = try await wiper(machine).wipe(Self.task) { _ in } }
      machine.restart()
      _ = try await wiper(machine).wipe(Self.task) { _ in }
      #expect(machine.disks().disks[0].contents.isBlank)
    }
  }
}

struct FakeZeros: ZeroReading {
  var answer: Bool
  func isZero(device path: String, size: UInt64) async throws -> Bool { answer }
}
