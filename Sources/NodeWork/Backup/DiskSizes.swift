import DiskLayout
import FoundationEssentials
import Glibc
import ProgramRunner
import StackSet

/// How large a stack's own file systems were when an archive was made. It lies in the archive, so that a machine that is
/// made anew has room for what comes back.
struct DiskSizes: Sendable, Hashable, Codable {
  struct Disk: Sendable, Hashable, Codable {
    var `class`: String
    var bytes: UInt64
  }

  /// In the archive, beside `stack.json`.
  static let file = "disks.json"

  var schema = 1
  var disks: [Disk]
}

extension BackupEngine {
  /// Of the thin volumes that were made for it, and of data sets with a limit.
  func diskSizes(of stack: CompiledStack) async throws(NodeWorkError) -> DiskSizes {
    var disks: [DiskSizes.Disk] = []
    for disk in StackDisk.all(of: stack) {
      guard let bytes = try await StackDisks(runner: runner).size(of: disk) else { continue }
      disks.append(DiskSizes.Disk(class: disk.class, bytes: bytes))
    }
    return DiskSizes(disks: disks)
  }

  /// Makes a stack's own file systems as large as they were when the archive was made, and refuses what then still can
  /// not fit, before anything is fetched.
  /// - Parameters:
  ///   - volumes: those that come back.
  ///   - bytes: of the archive's files; nil where no run here has made it.
  /// - Returns: what was done, a line each.
  func makeRoom(
    for archive: String, _ volumes: [StackVolume], of stack: CompiledStack, sizes: DiskSizes?, bytes: UInt64?
  ) async throws(NodeWorkError) -> [String] {
    var done: [String] = []
    let disks = StackDisk.all(of: stack).filter { disk in
      volumes.contains { DurableFile.folder(of: $0.path) == disk.mountPoint } && DurableFile.exists(disk.mountPoint)
    }
    for disk in disks {
      guard let before = sizes?.disks.first(where: { $0.class == disk.class })?.bytes else { continue }
      let grown = try await StackDisks(runner: runner).grow(disk, to: before)
      guard !grown.isEmpty else { continue }
      done += grown
      let own = volumes.filter { DurableFile.folder(of: $0.path) == disk.mountPoint }
      guard let volume = own.max(by: { $0.size ?? 0 < $1.size ?? 0 }), let size = disk.missing(to: before, for: volume)
      else { continue }
      done.append(
        "\(disk.mountPoint) was made as large as it was; declare it: "
          + "settings.stacks.settings.\(stack.name).sizes.\(volume.name) = \(size)")
    }
    if let bytes { try await checkRoom(for: archive, volumes, of: stack, bytes) }
    return done
  }

  /// Refuses only what is certain not to fit: data sets that compress are not looked at.
  private func checkRoom(
    for archive: String, _ volumes: [StackVolume], of stack: CompiledStack, _ bytes: UInt64
  ) async throws(NodeWorkError) {
    var places: [String: UInt64] = [:]
    for volume in volumes {
      var folder = DurableFile.folder(of: volume.path)
      while !DurableFile.exists(folder), folder != "/" { folder = DurableFile.folder(of: folder) }
      let mounted = try await MountedFileSystem.holding(folder, runner: runner)
      guard ["ext4", "xfs"].contains(mounted.fstype) else { return }
      var status = statvfs()
      guard statvfs(folder, &status) == 0 else {
        throw NodeWorkError(.file, "can not look at \(folder): \(String(cString: strerror(errno)))")
      }
      places[mounted.target] = UInt64(status.f_bavail) * UInt64(status.f_frsize)
    }
    let free = places.values.reduce(0, +)
    guard !places.isEmpty, free < bytes else { return }
    let volume = volumes.max { $0.size ?? 0 < $1.size ?? 0 }?.name ?? ""
    throw NodeWorkError(
      .storage,
      "\(archive) has \(ByteSize.text(bytes)), and \(places.keys.sorted().joined(separator: " and ")) "
        + "\(places.count == 1 ? "has" : "have") \(ByteSize.text(free)) left; what is there stays beside it",
      advice: "on a volume of its own, set settings.stacks.settings.\(stack.name).sizes.\(volume) to more, or run "
        + "'bootstead-agent storage extend \(stack.name)/\(volume) +\((bytes - free) >> 30 + 1)GiB'; elsewhere make room"
    )
  }
}
