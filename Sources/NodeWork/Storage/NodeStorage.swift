import Glibc
import ProgramRunner
import StackSet

/// Where a node's data lies: pools with their use, volumes with their owners.
public struct NodeStorage: Sendable {
  let set: StackSet
  let snapshots: NodeSnapshots
  let runner: any CommandRunner

  public init(set: StackSet, snapshots: NodeSnapshots, runner: any CommandRunner) {
    self.set = set
    self.snapshots = snapshots
    self.runner = runner
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
    public var volumes: [Volume]
    /// What is to be seen to, pools first.
    public var alarms: [String]
  }

  public func report() async throws(NodeWorkError) -> Report {
    let pools = try await snapshots.pools()
    var volumes: [Report.Volume] = []
    for stack in set.stacks {
      for volume in stack.volumes {
        var row = Report.Volume(
          stack: stack.name, name: volume.name, class: volume.class.rawValue, path: volume.path, problems: [])
        if DurableFile.exists(volume.path) {
          let mounted = try await MountedFileSystem.holding(volume.path, runner: runner)
          row.source = mounted.source
          row.fileSystem = mounted.fstype
          if let problem = OwnershipAudit(volume).problem { row.problems.append(problem) }
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
    var alarms = pools.flatMap(\.alarms) + volumes.flatMap(\.problems)
    if let split = oneFileSystemProblem(volumes) { alarms.append(split) }
    return Report(pools: pools, volumes: volumes, alarms: alarms)
  }

  /// A finished download is moved by a rename, and not copied, where both lie on one file system.
  private func oneFileSystemProblem(_ volumes: [Report.Volume]) -> String? {
    guard let media = volumes.first(where: { $0.class == "media" && $0.source != nil }),
      let downloads = volumes.first(where: { $0.class == "downloads" && $0.source != nil }),
      DeviceNumber.of(media.path) != DeviceNumber.of(downloads.path)
    else { return nil }
    return "\(media.path) and \(downloads.path) lie on different file systems: each download is copied and kept twice; "
      + "put media and downloads on one"
  }

  /// Makes what is missing: stacks' own file systems where their class lies on a thin volume or ZFS, mounted, and folders
  /// with their owners. With `repairsOwners`, folders get the owners that were declared.
  /// - Returns: what was done, a line each.
  public func apply(repairsOwners: Bool) async throws(NodeWorkError) -> [String] {
    var done: [String] = []
    for stack in set.stacks {
      for disk in StackDisk.all(of: stack) { done += try await StackDisks(runner: runner).apply(disk) }
      for volume in stack.volumes {
        if !DurableFile.exists(volume.path) {
          try await VolumeFolder(volume).prepare(runner)
          done.append("made \(volume.path) for \(stack.name)")
        } else if repairsOwners, let problem = OwnershipAudit(volume).problem {
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
