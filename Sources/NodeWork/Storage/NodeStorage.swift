import AgentProtocol
import FoundationEssentials
import Glibc
import ProgramRunner
import StackSet

/// Where a node's data lies: disks and pools with their use, file systems, volumes with their owners.
public struct NodeStorage: Sendable {
  let set: StackSet
  let snapshots: NodeSnapshots
  let runner: any CommandRunner
  let folders: NodeFolders?
  let survey: (any DiskSurvey)?
  let capacity: @Sendable (String) -> FileSystemCapacity?

  /// - Parameters:
  ///   - folders: where the use of pools is kept for the forecast; without it there is none.
  ///   - survey: tells of the machine's disks; without it they are not looked at.
  public init(
    set: StackSet, snapshots: NodeSnapshots, runner: any CommandRunner, folders: NodeFolders? = nil,
    survey: (any DiskSurvey)? = nil,
    capacity: @escaping @Sendable (String) -> FileSystemCapacity? = FileSystemCapacity.of
  ) {
    self.set = set
    self.snapshots = snapshots
    self.runner = runner
    self.folders = folders
    self.survey = survey
    self.capacity = capacity
  }

  /// What `storage show` prints.
  public struct Report: Sendable, Hashable, Codable {
    public struct Volume: Sendable, Hashable, Codable {
      public var stack: String
      public var name: String
      public var `class`: String
      public var path: String
      /// What it lies on, as the system names it.
      public var source: String?
      public var fileSystem: String?
      public var problems: [String]
    }

    public var pools: [PoolUse]
    public var forecasts: [PoolForecast]
    public var physicalVolumes: [PhysicalVolume]
    public var zfs: [ZFSPoolStatus]
    public var disks: [DiskState]
    public var fileSystems: [FileSystemUse]
    public var missingMounts: [String]
    public var oneFileSystem: OneFileSystem
    public var volumes: [Volume]
    /// What is to be seen to: disks and pools first.
    public var alarms: [String]
  }

  public func report(now: Date = .now) async throws(NodeWorkError) -> Report {
    let pools = try await snapshots.pools()
    var forecasts: [PoolForecast] = []
    if let folders {
      let history = try PoolHistory.record(pools, in: folders, now: now)
      forecasts = pools.map { PoolForecast($0, history: history, now: now) }
    }
    let physical = snapshots.has(.thin) ? try await PhysicalVolume.all(runner) : []
    var zfs: [ZFSPoolStatus] = []
    for pool in pools where pool.provider == .zfs { zfs.append(try await ZFSPoolStatus.read(pool.name, runner)) }
    let disks = await survey?.states() ?? []
    let missing = try await MountAudit(set: set, snapshots: snapshots, runner: runner).missing()
    let (volumes, mounts) = try await volumes()
    let fileSystems = mounts.compactMap { mounted in
      capacity(mounted.target).map { FileSystemUse(mounted, $0) }
    }
    let one = OneFileSystem(set)
    var report = Report(
      pools: pools, forecasts: forecasts, physicalVolumes: physical, zfs: zfs, disks: disks, fileSystems: fileSystems,
      missingMounts: missing, oneFileSystem: one, volumes: volumes, alarms: [])
    report.alarms = report.findings(now: now).map(\.text)
    return report
  }

  /// The volumes, and the file systems that they and the system lie on, each once.
  private func volumes() async throws(NodeWorkError) -> ([Report.Volume], [MountedFileSystem]) {
    var volumes: [Report.Volume] = []
    var mounts = [try await MountedFileSystem.holding("/", runner: runner)]
    for stack in set.stacks {
      for volume in stack.volumes {
        var row = Report.Volume(
          stack: stack.name, name: volume.name, class: volume.class.rawValue, path: volume.path, problems: [])
        if DurableFile.exists(volume.path) {
          let mounted = try await MountedFileSystem.holding(volume.path, runner: runner)
          if !mounts.contains(where: { $0.target == mounted.target }) { mounts.append(mounted) }
          row.source = mounted.source
          row.fileSystem = mounted.fstype
          if let problem = FolderOwner(volume).problem { row.problems.append(problem) }
          if volume.class == .db, mounted.fstype.hasPrefix("nfs") {
            row.problems.append(
              "\(volume.path) is a database on NFS, where databases are damaged; move it to a disk here")
          }
        } else {
          row.problems.append("\(volume.path) is not there; run 'bootstead-agent storage apply'")
        }
        volumes.append(row)
      }
    }
    return (volumes, mounts)
  }

  /// Makes what is missing: stacks' own file systems where their class lies on a thin volume or ZFS, mounted, and folders
  /// with their owners. With `repairsOwners`, folders get the owners that were declared.
  /// - Returns: what was done, a line each.
  public func apply(repairsOwners: Bool) async throws(NodeWorkError) -> [String] {
    var done: [String] = []
    for stack in set.stacks {
      // A volume that goes back is not mounted meanwhile.
      var held: FileLock?
      if let folders { held = try await ServicesLock.take(stack.name, folders, patience: ServicesLock.patience) }
      defer { held?.release() }
      for disk in StackDisk.all(of: stack) { done += try await StackDisks(runner: runner).apply(disk) }
      for volume in stack.volumes {
        if !DurableFile.exists(volume.path) {
          try await VolumeFolder(volume).prepare(runner)
          done.append("made \(volume.path) for \(stack.name)")
        } else if repairsOwners, let problem = FolderOwner(volume).problem {
          // Of the folder itself: what is in it may belong to several users of an image.
          guard chown(volume.path, uid_t(volume.owner.user), gid_t(volume.owner.group)) == 0 else {
            throw NodeWorkError(
              .file, "can not change the owner of \(volume.path): \(String(cString: strerror(errno)))")
          }
          done.append("repaired: \(problem)")
        }
      }
    }
    return done
  }
}

enum DeviceNumber {
  static func of(_ path: String) -> UInt64? {
    var status = stat()
    return stat(path, &status) == 0 ? UInt64(status.st_dev) : nil
  }
}
