import DiskLayout
import NodeAgent
import ProgramRunner
import Synchronization
import Testing

@Suite("File systems that a power cut left half made")
struct HalfMadeFileSystemTests {
  @Test("an ESP with its name and without its tables is made again, and nothing else is")
  func halfMadeESP() async throws {
    let machine = FakeMachine(DiskInventory(disks: [DiskExecutorTests.blank()]))
    let plan = try LayoutPlanner.plan(
      inventory: machine.disks(), spec: DiskExecutorTests.spec, consent: .none,
      identity: LayoutIdentity(machineName: "node1", machineID: "machine-1", installID: "install-1"))
    let executor = DiskExecutor(plan: plan, runner: machine, source: machine, hasUdev: true)
    _ = try await executor.run()
    machine.restart()
    machine.state.withLock { $0.isESPDamaged = true }
    let before = machine.commands.count
    _ = try await executor.run()
    let made = machine.commands.dropFirst(before).filter { $0.program.hasPrefix("mkfs") }
    #expect(made.map(\.program) == ["mkfs.vfat"])
    #expect(machine.state.withLock { $0.mounts.prefix(2).map(\.target) } == ["/mnt", "/mnt/boot"])
  }
}
