public import AgentProtocol
import FoundationEssentials
public import ProgramRunner
import StackSet

/// What is to be seen to on a node: of its storage what `storage show` calls an alarm, of its backups what
/// `backup coverage` finds missing. Disks are not asked for their SMART state: that would wake those that sleep.
public struct NodeAlarms: Sendable {
  let folders: NodeFolders
  let snapshots: NodeSnapshots
  let runner: any CommandRunner
  let configuration: String
  let capacity: @Sendable (String) -> FileSystemCapacity?

  /// - Parameter configuration: the backup's configuration; where there is no such file, the machine has no backup.
  public init(
    folders: NodeFolders = NodeFolders(), snapshots: NodeSnapshots, runner: any CommandRunner, configuration: String,
    capacity: @escaping @Sendable (String) -> FileSystemCapacity? = FileSystemCapacity.of
  ) {
    self.folders = folders
    self.snapshots = snapshots
    self.runner = runner
    self.configuration = configuration
    self.capacity = capacity
  }

  /// What can not be looked at is an alarm, too.
  public func read(now: Date = .now) async -> [NodeAlarm] {
    var alarms: [NodeAlarm] = []
    var set = StackSet(
      machine: "", engine: .docker, directory: "", networks: [], stacks: [], routes: [], names: [],
      hub: HubConfiguration(), monitors: [])
    do {
      if let applied = try StackEngine(folders: folders, runner: runner, say: { _ in }).applied() { set = applied }
    } catch {
      alarms.append(NodeAlarm(subject: "stack set", text: "the stack set could not be read: \(error)"))
    }
    do {
      let storage = NodeStorage(
        set: set, snapshots: snapshots, runner: runner, folders: folders, capacity: capacity)
      alarms += try await storage.report(now: now).findings(now: now)
    } catch {
      alarms.append(NodeAlarm(subject: "storage", text: "the storage could not be looked at: \(error)"))
    }
    guard DurableFile.exists(configuration) else { return alarms }
    do {
      let coverage = try await BackupCoverage.read(
        set: set, configuration: try BackupConfiguration.read(configuration), folders: folders, runner: runner,
        now: now)
      alarms += coverage.rows.flatMap(\.findings)
    } catch {
      alarms.append(NodeAlarm(subject: "backups", text: "the backups could not be looked at: \(error)"))
    }
    return alarms
  }
}

extension NodeStorage.Report {
  /// The alarms, each with what it is about.
  func findings(now: Date) -> [NodeAlarm] {
    var found = disks.flatMap(\.findings)
    found += physicalVolumes.compactMap { volume in
      volume.alarm.map { NodeAlarm(subject: "physical volume \(volume.name)", text: $0) }
    }
    found += pools.flatMap(\.findings) + forecasts.flatMap { $0.findings(now: now) }
    found += zfs.flatMap { $0.findings(now: now) } + missingMounts.map { NodeAlarm($0) }
    found += fileSystems.flatMap(\.findings) + volumes.flatMap(\.problems).map { NodeAlarm($0) }
    if oneFileSystem.answer == .several { found.append(NodeAlarm(oneFileSystem.text)) }
    return found
  }
}
