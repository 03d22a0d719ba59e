import AgentProtocol
import DiskLayout
import Foundation
import HTTPConnection
import NodeAgent
import Synchronization
import Testing

@Suite("The short read test of a disk")
struct DiskReadTestTests {
  /// A disk whose bad bytes fail every read that touches them; remembers what was read.
  private final class BadDisk: Sendable {
    let bad: Set<UInt64>
    let reads = Mutex<[(offset: UInt64, length: Int)]>([])

    init(bad: Set<UInt64> = []) { self.bad = bad }

    @Sendable func read(_ offset: UInt64, _ buffer: UnsafeMutableRawBufferPointer) -> Int32 {
      reads.withLock { $0.append((offset, buffer.count)) }
      return bad.contains { $0 >= offset && $0 < offset + UInt64(buffer.count) } ? EIO : 0
    }
  }

  /// As a machine that does other work at the same time needs it.
  private static let unhurried = DiskReadTest(timeLimit: .seconds(3600))

  @Test("of a large disk so many pieces are read, the first and the last bytes among them, each aligned")
  func pieces() async {
    let disk = BadDisk()
    let size: UInt64 = 4_000_787_030_016
    let result = await Self.unhurried.run(size: size, read: disk.read)
    let reads = disk.reads.withLock { $0 }
    #expect(result.bytesRead == 256 << 20 && result.faults.isEmpty && !result.isCut)
    #expect(reads.first?.offset == 0)
    #expect(reads.last.map { $0.offset + UInt64($0.length) } == size / 4096 * 4096)
    #expect(reads.allSatisfy { $0.offset % 4096 == 0 && $0.length == 1 << 20 })
    #expect(zip(reads, reads.dropFirst()).allSatisfy { $0.offset + UInt64($0.length) <= $1.offset })
  }

  @Test(
    "a small disk is read as a whole, and nothing behind its end",
    arguments: [0, 1, 4095, 4096, 1 << 20, (1 << 20) + 4096, 64 << 20, 256 << 20] as [UInt64])
  func small(size: UInt64) async {
    let disk = BadDisk()
    let result = await Self.unhurried.run(size: size, read: disk.read)
    #expect(result.bytesRead == size / 4096 * 4096)
    #expect(disk.reads.withLock { $0 }.allSatisfy { $0.offset + UInt64($0.length) <= size })
  }

  @Test(
    "a bad byte is found by its block of 4 KiB", arguments: [0, 5000, 1_048_575, 1_048_576, 3_145_728, 4_194_303])
  func fault(at byte: UInt64) async {
    let disk = BadDisk(bad: [byte])
    let result = await Self.unhurried.run(size: 4 << 20, read: disk.read)
    #expect(result.faults == [ReadFault(offset: byte / 4096 * 4096, error: "Input/output error")])
    #expect(result.bytesRead == 3 << 20)
    // By halves: 8 further reads for one MiB, not 256.
    #expect(disk.reads.withLock { $0.count } == 4 + 8)
  }

  @Test("a disk with many faults is given up, and says so")
  func manyFaults() async {
    let disk = BadDisk(bad: Set((0..<100).map { $0 << 20 }))
    let result = await Self.unhurried.run(size: 100 << 20, read: disk.read)
    #expect(result.faults.count == ReadTestResult.faultLimit && result.isCut && result.bytesRead == 0)
  }

  @Test("when its time is over, no further read begins")
  func time() async {
    let result = await DiskReadTest(timeLimit: .zero).run(size: 1 << 30, read: BadDisk().read)
    #expect(result.isCut && result.bytesRead == 0)
  }

  @Test("a disk that can not be opened is a refusal, not a disk without faults")
  func missing() async {
    let result = await Self.unhurried.run(path: "/dev/does-not-exist", size: 1 << 30)
    #expect(result.refusal?.contains("No such file") == true && result.bytesRead == 0)
  }

  @Test("a real file is read past the page cache, and one that ends too early is a fault")
  func realFile() async throws {
    let folder = try TemporaryFolder()
    let path = folder.path + "/disk"
    try Data(repeating: 7, count: 3 << 20).write(to: URL(fileURLWithPath: path))
    let whole = await Self.unhurried.run(path: path, size: 3 << 20)
    #expect(whole.bytesRead == 3 << 20 && whole.faults.isEmpty && whole.refusal == nil)
    let cut = await Self.unhurried.run(path: path, size: 5 << 20)
    #expect(cut.faults.map(\.offset) == [3 << 20, 4 << 20])
    #expect(try Data(contentsOf: URL(fileURLWithPath: path)) == Data(repeating: 7, count: 3 << 20))
  }
}

@Suite("Examining a machine's disks")
struct HardwareExaminerTests {
  @Test("only what was asked for is done, and only to disks that belong to the machine")
  func examine() async {
    let disks = [
      Disk(id: "ata-A", node: "/dev/does-not-exist-a", size: 1 << 30, bus: .sata, serial: "A"),
      Disk(id: "usb-B", node: "/dev/does-not-exist-b", size: 1 << 30, isRemovable: true, bus: .usb, serial: "B"),
      Disk(id: "ata-C", node: "/dev/does-not-exist-c", size: 1 << 30, bus: .sata, serial: "C", isBootMedium: true),
      Disk(id: "ata-D", node: "/dev/does-not-exist-d", size: 0, bus: .sata),
    ]
    let examiner = HardwareExaminer(smart: SmartReader { #"{"smartctl":{"messages":[{"string":"\#($0)"}]}}"# })
    let smart = await examiner.examine(ExamineTask(identifier: "t", checks: [.smart]), disks: disks)
    #expect(smart.task == "t" && smart.disks.map(\.disk) == ["ata-A"] && smart.disks.map(\.serial) == ["A"])
    #expect(smart.disks.first?.smart?.reason == "/dev/does-not-exist-a" && smart.disks.first?.read == nil)
    let read = await examiner.examine(ExamineTask(identifier: "t", checks: [.readTest]), disks: disks)
    #expect(read.disks.first?.smart == nil && read.disks.first?.read?.refusal != nil)
  }

  @Test("the agent examines when it is told to, reports once, and goes on with the next task")
  func conversation() async throws {
    let folder = try TemporaryFolder()
    let task = ExamineTask(identifier: "look", checks: [.smart])
    let appliance = try FakeAppliance(tasks: [.examine(task), .reboot])
    let keys = try AgentKeys()
    try await appliance.serve { endpoint in
      let overlay = BootOverlay(
        applianceURL: endpoint.description, appliancePublicKey: appliance.key.publicKey, bootNonce: BootNonce(),
        machineName: "node1", mode: .install)
      try await Installer(
        overlay: overlay, keys: keys,
        link: ApplianceLink(
          client: HTTPClient(endpoint: endpoint), appliance: overlay.appliancePublicKey, key: keys.agent),
        log: AgentLog(show: Screen().show), disks: FakeDisks(target: folder.path), system: FakeCopy(),
        runner: FakeRunner(), target: folder.path,
        examiner: HardwareExaminer(smart: SmartReader { _ in #"{"smartctl":{},"smart_status":{"passed":true}}"# }),
        readInventory: { Sample.inventory }, pause: { _ in try await Task.sleep(for: .milliseconds(1)) }
      ).run()
    }
    let reports = appliance.read(\.examined)
    #expect(reports.map(\.task) == ["look"])
    #expect(reports.first?.disks.allSatisfy { $0.smart?.verdict == .passed && $0.read == nil } == true)
    #expect(reports.first?.disks.map(\.disk) == Sample.inventory.disks.disks.map(\.id))
  }
}
