import ProgramRunner
import StackSet

/// Makes, grows and mounts stacks' own file systems. Each step looks first, so that a run after a power cut goes on.
///
/// A folder that holds something already is left as it is: its data would have to be moved, which is never done by
/// itself.
struct StackDisks: Sendable {
  /// On volumes that were made here: a file system is made in no other.
  static let tag = "bootstead.stack-disk"
  /// On those whose file system was made to the end.
  static let formattedTag = "bootstead.formatted"

  let runner: any CommandRunner

  /// - Returns: what was done, a line each.
  func apply(_ disk: StackDisk) async throws(NodeWorkError) -> [String] {
    if DurableFile.exists(disk.mountPoint) {
      if try await MountedFileSystem.isMountPoint(disk.mountPoint, runner: runner) { return try await grow(disk) }
      // Something is in it: it lies on the file system of its class.
      guard DurableFile.children(of: disk.mountPoint).isEmpty else { return [] }
    }
    let placement = DurableFile.folder(of: disk.mountPoint)
    guard DurableFile.exists(placement) else { return [] }
    let below = try await MountedFileSystem.holding(placement, runner: runner)
    if below.fstype == "zfs" { return try await makeDataSet(disk, below: below.source) }
    let volumes = try await LogicalVolume.all(runner)
    guard
      let neighbour = volumes.first(where: {
        ($0.mapperPath == below.source || $0.path == below.source) && $0.segmentType == "thin"
      })
    else { return [] }
    return try await makeVolume(disk, group: neighbour.group, pool: neighbour.pool, volumes)
  }

  private func makeVolume(
    _ disk: StackDisk, group: String, pool: String, _ volumes: [LogicalVolume]
  ) async throws(NodeWorkError) -> [String] {
    var done: [String] = []
    let name = "\(group)/\(disk.volumeName)"
    let device = "/dev/" + name
    let found = volumes.first { $0.group == group && $0.name == disk.volumeName }
    if let found {
      guard found.tags.contains(Self.tag), found.segmentType == "thin" else {
        throw NodeWorkError(
          .storage, "\(name) is there, and was not made for a stack; it stays", advice: "rename it with lvrename")
      }
    } else {
      try checkRoom(group, pool, volumes)
      try await runner.work(
        Command(
          "lvcreate",
          [
            "--yes", "--type", "thin", "--thinpool", pool, "--virtualsize", "\(disk.bytes)b", "--addtag", Self.tag,
            "--name", disk.volumeName, group,
          ]), .storage)
      done.append("made the thin volume \(name)")
    }
    try await runner.work(Command("lvchange", ["--activate", "y", name]), .storage)
    if found?.tags.contains(Self.formattedTag) != true {
      // Only a power cut in the middle of mkfs leaves something here. Nobody ever mounted it. -m 1: five percent for root
      // is much of a large volume.
      try await runner.work(
        Command(
          "mkfs.ext4", ["-F", "-q", "-m", "1", "-L", String(disk.volumeName.prefix(16)), device],
          timeout: .seconds(3600)),
        .storage)
      try await runner.work(Command("lvchange", ["--addtag", Self.formattedTag, name]), .storage)
      done.append("made its file system")
    }
    try DurableFile.makeFolder(disk.mountPoint, mode: 0o755)
    // noinit_itable: else the kernel would write zeros over all inode tables, 1.6 % of the volume's size, into the pool.
    try await runner.work(
      Command("mount", ["-t", "ext4", "-o", "noatime,noinit_itable", device, disk.mountPoint]), .storage)
    return done + ["mounted \(name) at \(disk.mountPoint)"]
  }

  private func checkRoom(_ group: String, _ pool: String, _ volumes: [LogicalVolume]) throws(NodeWorkError) {
    guard let found = volumes.first(where: { $0.group == group && $0.name == pool }) else { return }
    let use = PoolUse(
      name: "\(group)/\(pool)", provider: .thin, bytes: found.bytes, dataPercent: found.dataPercent ?? 0,
      metadataPercent: found.metadataPercent)
    guard !use.isFull else {
      throw NodeWorkError(
        .poolFull, "the pool \(use.name) is full: no volume is made in it", advice: use.alarms.first)
    }
  }

  private func makeDataSet(_ disk: StackDisk, below parent: String) async throws(NodeWorkError) -> [String] {
    let name = "\(parent)/\(disk.stack)"
    var look = Command("zfs", ["list", "-H", "-o", "name", name])
    look.acceptedCodes = [0, 1]
    if try await runner.work(look, .storage).code == 0 {
      try await runner.work(Command("zfs", ["mount", name]), .storage)
      return ["mounted \(name)"]
    }
    var arguments = ["create", "-o", "mountpoint=\(disk.mountPoint)"]
    if disk.isLimit { arguments += ["-o", "quota=\(disk.bytes)"] }
    if disk.class == "db" { arguments += ["-o", "recordsize=16K"] }
    try await runner.work(Command("zfs", arguments + [name]), .storage)
    return ["made the data set \(name)"]
  }

  /// Never smaller: what is declared less than what is there changes nothing.
  private func grow(_ disk: StackDisk) async throws(NodeWorkError) -> [String] {
    guard disk.isSized else { return [] }
    let mounted = try await MountedFileSystem.holding(disk.mountPoint, runner: runner)
    if mounted.fstype == "zfs" {
      return disk.isLimit && mounted.target == disk.mountPoint ? try await raise(mounted.source, disk.bytes) : []
    }
    return try await grow(mounted, to: disk.bytes)
  }

  /// A volume that was made here, with its file system, or the limit of a data set that has one.
  /// - Parameter bytes: at least.
  func grow(_ disk: StackDisk, to bytes: UInt64) async throws(NodeWorkError) -> [String] {
    let mounted = try await MountedFileSystem.holding(disk.mountPoint, runner: runner)
    guard mounted.target == disk.mountPoint else { return [] }
    return mounted.fstype == "zfs" ? try await raise(mounted.source, bytes) : try await grow(mounted, to: bytes)
  }

  private func grow(_ mounted: MountedFileSystem, to bytes: UInt64) async throws(NodeWorkError) -> [String] {
    guard
      let volume = try await LogicalVolume.all(runner).first(where: {
        $0.mapperPath == mounted.source || $0.path == mounted.source
      }), volume.tags.contains(Self.tag), volume.bytes < bytes
    else { return [] }
    let name = "\(volume.group)/\(volume.name)"
    try await runner.work(Command("lvextend", ["--size", "\(bytes)b", name]), .storage)
    try await runner.work(Command("resize2fs", [volume.path], timeout: .seconds(3600)), .storage)
    return ["grew \(name) to \(bytes >> 20) MiB"]
  }

  /// Of the volume that was made here for it, or the limit of its data set.
  /// - Returns: nil where there is neither.
  func size(of disk: StackDisk) async throws(NodeWorkError) -> UInt64? {
    guard DurableFile.exists(disk.mountPoint) else { return nil }
    let mounted = try await MountedFileSystem.holding(disk.mountPoint, runner: runner)
    guard mounted.target == disk.mountPoint else { return nil }
    if mounted.fstype == "zfs" { return try await Self.quota(of: mounted.source, runner) }
    // Where the system has LVM, it is on a mapped device.
    guard mounted.source.hasPrefix("/dev/mapper/") || mounted.source.hasPrefix("/dev/dm-") else { return nil }
    return try await LogicalVolume.all(runner).first {
      ($0.mapperPath == mounted.source || $0.path == mounted.source) && $0.tags.contains(Self.tag)
    }?.bytes
  }

  private func raise(_ dataSet: String, _ bytes: UInt64) async throws(NodeWorkError) -> [String] {
    guard let quota = try await Self.quota(of: dataSet, runner), quota < bytes else { return [] }
    try await runner.work(Command("zfs", ["set", "quota=\(bytes)", dataSet]), .storage)
    return ["raised the limit of \(dataSet) to \(bytes >> 20) MiB"]
  }

  /// - Returns: nil where it has none.
  static func quota(of dataSet: String, _ runner: any CommandRunner) async throws(NodeWorkError) -> UInt64? {
    let output = try await runner.work(Command("zfs", ["get", "-H", "-p", "-o", "value", "quota", dataSet]), .storage)
    let said = output.standardOutput.filter { !$0.isWhitespace }
    guard let quota = UInt64(said) ?? (said == "none" ? 0 : nil) else {
      throw NodeWorkError(.storage, "zfs gives \(dataSet) the quota “\(said)”")
    }
    return quota > 0 ? quota : nil
  }
}
