import DiskLayout
import FoundationEssentials
import ProgramRunner
import StackSet

/// Grows pools, and stacks' own volumes with their file systems, while they are in use. Nothing is ever made smaller, and
/// a run after a power cut goes on where the first one ended.
public struct StorageExtension: Sendable {
  let set: StackSet
  let snapshots: NodeSnapshots
  let runner: any CommandRunner

  public init(set: StackSet, snapshots: NodeSnapshots, runner: any CommandRunner) {
    self.set = set
    self.snapshots = snapshots
    self.runner = runner
  }

  /// - Parameter target: `GROUP/POOL`, or `STACK/VOLUME`.
  /// - Returns: what was done, a line each.
  public func extend(_ target: String, by size: StorageSize) async throws(NodeWorkError) -> [String] {
    let parts = target.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
    let pools = try await snapshots.pools()
    let pool = pools.first { $0.name == target }
    let volume =
      parts.count == 2
      ? set.stacks.first { $0.name == parts[0] }?.volumes.first { $0.name == parts[1] } : nil
    switch (pool, volume) {
    case (.some, .some):
      throw NodeWorkError(
        .storage, "\(target) is a pool, and a stack's volume too", advice: "grow it with lvextend, by its own name")
    case (.some(let pool), nil): return try await extend(pool, size)
    case (nil, .some(let volume)):
      let done = try await extend(volume, size, pools)
      return try await done + undeclared(volume, of: parts[0])
    case (nil, nil):
      throw NodeWorkError(
        .unknownStack, "there is neither a pool nor a stack's volume “\(target)”",
        advice: "pools: \(pools.map(\.name).joined(separator: ", ")); volumes are named STACK/VOLUME")
    }
  }

  private func extend(_ pool: PoolUse, _ size: StorageSize) async throws(NodeWorkError) -> [String] {
    guard pool.provider == .thin else {
      throw NodeWorkError(
        .storage, "the ZFS pool \(pool.name) grows by disks alone", advice: "see 'bootstead-agent storage add-disk'")
    }
    let group = try await VolumeGroup.named(String(pool.name.prefix { $0 != "/" }), runner)
    let wanted = size.target(from: pool.bytes, piece: group.extent)
    guard try isGrowth(pool.name, from: pool.bytes, to: wanted) else {
      return ["\(pool.name) has \(ByteSize.text(pool.bytes)) already"]
    }
    guard wanted - pool.bytes <= group.freeBytes else {
      throw NodeWorkError(
        .storage,
        "\(pool.name) would need \(ByteSize.text(wanted - pool.bytes)), and the group \(group.name) has "
          + "\(ByteSize.text(group.freeBytes)) left", advice: "add a disk with 'bootstead-agent storage add-disk'")
    }
    try await runner.work(Command("lvextend", ["--size", "\(wanted)b", pool.name]), .storage)
    return ["grew the pool \(pool.name) from \(ByteSize.text(pool.bytes)) to \(ByteSize.text(wanted))"]
  }

  /// - Returns: false where it has that size.
  private func isGrowth(_ name: String, from current: UInt64, to wanted: UInt64) throws(NodeWorkError) -> Bool {
    guard wanted >= current else {
      throw NodeWorkError(
        .storage, "\(name) has \(ByteSize.text(current)), which is more than \(ByteSize.text(wanted))",
        advice: "nothing is made smaller; to get room back, move the data to a new volume")
    }
    return wanted > current
  }

  private func extend(
    _ volume: StackVolume, _ size: StorageSize, _ pools: [PoolUse]
  ) async throws(NodeWorkError) -> [String] {
    guard DurableFile.exists(volume.path) else {
      throw NodeWorkError(.storage, "\(volume.path) is not there", advice: "run 'bootstead-agent storage apply'")
    }
    let mounted = try await MountedFileSystem.holding(volume.path, runner: runner)
    if mounted.fstype == "zfs" { return try await extendDataSet(mounted.source, size) }
    guard snapshots.has(.thin),
      let found = try await LogicalVolume.all(runner).first(where: {
        $0.mapperPath == mounted.source || $0.path == mounted.source
      }), found.segmentType == "thin"
    else {
      throw NodeWorkError(
        .storage, "\(volume.path) lies on \(mounted.fstype) on \(mounted.source), which is no thin volume",
        advice: "only thin volumes and ZFS data sets grow by this command")
    }
    let growing =
      switch mounted.fstype {
      case "ext4": Command("resize2fs", [found.path], timeout: .seconds(3600))
      case "xfs": Command("xfs_growfs", [mounted.target], timeout: .seconds(3600))
      default:
        throw NodeWorkError(
          .storage, "\(mounted.target) is \(mounted.fstype), which this agent does not grow",
          advice: "grow it by its own tools")
      }
    let name = "\(found.group)/\(found.name)"
    let group = try await VolumeGroup.named(found.group, runner)
    let wanted = size.target(from: found.bytes, piece: group.extent)
    var done: [String] = []
    if try isGrowth(name, from: found.bytes, to: wanted) {
      if let pool = pools.first(where: { $0.name == "\(found.group)/\(found.pool)" }), pool.isFull {
        throw NodeWorkError(
          .poolFull, "the pool \(pool.name) is full to \(PoolUse.text(pool.dataPercent)) %: no volume in it grows",
          advice: "extend the pool first")
      }
      try await runner.work(Command("lvextend", ["--size", "\(wanted)b", name]), .storage)
      done.append("grew the volume \(name) from \(ByteSize.text(found.bytes)) to \(ByteSize.text(wanted))")
    } else {
      done.append("the volume \(name) has \(ByteSize.text(found.bytes)) already")
    }
    // Also where the volume has its size: the power may have gone between the two.
    try await runner.work(growing, .storage)
    done.append("\(mounted.target) fills it")
    return done
  }

  /// What the settings have to say, so that a machine that is made anew gets the size, too.
  private func undeclared(_ volume: StackVolume, of stack: String) async throws(NodeWorkError) -> [String] {
    guard let stack = set.stacks.first(where: { $0.name == stack }),
      let disk = StackDisk.all(of: stack).first(where: { $0.mountPoint == DurableFile.folder(of: volume.path) }),
      let bytes = try await StackDisks(runner: runner).size(of: disk),
      let missing = disk.missing(to: bytes, for: volume)
    else { return [] }
    return [
      "the settings declare less: set settings.stacks.settings.\(stack.name).sizes.\(volume.name) to \(missing), so "
        + "that a machine that is made anew has as much"
    ]
  }

  private func extendDataSet(_ name: String, _ size: StorageSize) async throws(NodeWorkError) -> [String] {
    guard let quota = try await StackDisks.quota(of: name, runner) else {
      throw NodeWorkError(.storage, "the data set \(name) has no limit: it takes what its pool has")
    }
    let wanted = size.target(from: quota, piece: 1)
    guard try isGrowth(name, from: quota, to: wanted) else { return ["\(name) has \(ByteSize.text(quota)) already"] }
    try await runner.work(Command("zfs", ["set", "quota=\(wanted)", name]), .storage)
    return ["the data set \(name) may take \(ByteSize.text(wanted)), before \(ByteSize.text(quota))"]
  }
}
