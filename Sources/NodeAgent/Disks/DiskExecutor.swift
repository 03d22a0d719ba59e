import NodeFiles
import ProgramRunner
public import DiskLayout

/// Carries out a plan in the installer: partitions, volume group, file systems, mounts.
///
/// It touches the planned disks only. LVM is called with `--devices`, so that it neither sees nor activates what lies on
/// others. Each step looks first whether it is done: a run after a power cut goes on where the last one ended.
public struct DiskExecutor: Sendable {
  public let plan: LayoutPlan
  /// Where the new root is mounted.
  public let target: String
  let runner: any CommandRunner
  let source: any DiskSource
  let hasUdev: Bool

  /// - Parameter hasUdev: whether udevd runs; without it LVM makes its device nodes itself.
  public init(
    plan: LayoutPlan, runner: any CommandRunner = SubprocessRunner(), source: any DiskSource = InventoryReader(),
    target: String = "/mnt", hasUdev: Bool = FileSystemEntry("/run/udev/control").exists
  ) {
    self.plan = plan
    self.runner = runner
    self.source = source
    self.target = target
    self.hasUdev = hasUdev
  }

  /// Does all steps in order.
  /// - Throws: at the first step that fails; those before it stay done.
  public func run(
    report: @Sendable (DiskProgress) async -> Void = { _ in }
  ) async throws(DiskExecutionError) -> MountedLayout {
    let disk = try verifiedDisks()
    let steps =
      plan.tables.flatMap(partitionSteps) + systemFileSystemSteps + volumeGroupSteps + volumeSteps + mountSteps
      + closingSteps
    for (index, step) in steps.enumerated() {
      var progress = DiskProgress(step: index + 1, of: steps.count, text: step.text, state: .started)
      if try await step.isDone() {
        progress.state = .alreadyDone
        await report(progress)
        continue
      }
      await report(progress)
      try await step.run()
      guard try await step.isDone() else {
        throw .withoutEffect(step: step.text, problem: "the disk does not show it")
      }
      progress.state = .finished
      await report(progress)
    }
    guard let group = try volumeGroup(step: "volume group") else {
      throw .withoutEffect(step: "volume group", problem: "\(plan.volumeGroup.name) is not there")
    }
    return MountedLayout(target: target, diskNode: disk.node, volumeGroupUUID: group.uuid)
  }

  /// Writes everything out and lets go of the disk.
  public func unmount() async throws(DiskExecutionError) {
    let step = "let go of the disk"
    try await command(step, Command("sync", []))
    if source.mounts().mount(at: target) != nil {
      try await command(step, Command("umount", ["--recursive", target]))
    }
    try await lvm(step, "vgchange", ["--activate", "n", plan.volumeGroup.name])
  }

  // MARK: What is there now

  /// A disk of the plan as it is at this moment.
  func currentDisk(_ planned: PlannedDisk) throws(DiskExecutionError) -> Disk {
    let disks = source.disks(withID: planned.id)
    guard let disk = disks.first, disks.count == 1 else {
      throw .notThePlannedDisk(
        disk: planned.id, problem: disks.isEmpty ? "it is gone" : "\(disks.count) disks have this name")
    }
    return disk
  }

  func foundPartition(_ role: PartitionRole) throws(DiskExecutionError) -> FoundPartition? {
    guard let planned = plan.partition(role), let table = plan.table(of: role) else { return nil }
    return try currentDisk(table.disk).contents.partitions.first { $0.uuid == planned.uuid }
  }

  /// The device node of a planned partition, once the kernel has it where the plan wants it.
  func node(_ role: PartitionRole, step: String) throws(DiskExecutionError) -> String {
    guard let planned = plan.partition(role), let table = plan.table(of: role),
      let node = try source.partitionNodes(of: currentDisk(table.disk))[planned.number],
      node.start == planned.start, node.size == planned.size
    else {
      throw .unexpected(
        step: step, problem: "the kernel does not show the partition \(role.partitionName) where it was planned")
    }
    return node.path
  }

  func path(_ fileSystem: PlannedFileSystem) -> String {
    fileSystem.mountPoint == "/" ? target : target + fileSystem.mountPoint
  }

  // MARK: Commands

  @discardableResult
  func command(_ step: String, _ command: Command) async throws(DiskExecutionError) -> CommandOutput {
    do {
      return try await runner.run(command)
    } catch {
      throw .command(step: step, error)
    }
  }

  /// Calls an LVM command that sees the data partition and nothing else.
  @discardableResult
  func lvm(_ step: String, _ name: String, _ arguments: [String]) async throws(DiskExecutionError) -> CommandOutput {
    let device = try node(.data, step: step)
    // No dmeventd in the installer; no copies of metadata under /etc that nobody keeps.
    var configuration = "activation{monitoring=0} backup{backup=0 archive=0} global{event_activation=0}"
    if !hasUdev { configuration += " activation{udev_sync=0 udev_rules=0}" }
    return try await command(
      step, Command("lvm", [name, "--devices", device, "--config", configuration] + arguments))
  }

  func settle(_ step: String) async throws(DiskExecutionError) {
    guard hasUdev else { return }
    try await command(step, Command("udevadm", ["settle", "--timeout=120"], timeout: .seconds(150)))
  }
}
