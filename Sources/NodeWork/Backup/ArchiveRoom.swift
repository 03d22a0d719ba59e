import DiskLayout
import Glibc

extension BackupEngine {
  /// How much the files of an archive take. Asked of the repository where no run of this system has made it.
  func bytes(
    of archive: String, stack: String, in repository: any BackupRepository
  ) async throws(NodeWorkError) -> UInt64? {
    let made = try BackupHistory.read(stack, folders).results.last { $0.archive == archive }
    if let bytes = made?.originalBytes { return bytes }
    return try await repository.bytes(of: archive)
  }

  /// Whether an archive fits where it is to be laid down. A pool that it would fill stops every service that writes.
  ///
  /// How it is spread over several file systems nobody says: together they have to have room for it.
  /// - Parameters:
  ///   - places: folders, whose nearest one that is there is looked at.
  ///   - bytes: of the archive's files; nil where nobody knows, which leaves only what is full already.
  ///   - advice: what to do where it does not fit.
  func checkRoom(
    in places: [String], for archive: String, bytes: UInt64?, advice: String
  ) async throws(NodeWorkError) {
    let places = Set(places.map(DurableFile.nearest)).sorted()
    let what = places.joined(separator: ", ")
    var free: [UInt64: UInt64] = [:]
    for place in places {
      var (status, file) = (statvfs(), stat())
      guard statvfs(place, &status) == 0, stat(place, &file) == 0 else {
        throw NodeWorkError(.file, "can not look at \(place): \(String(cString: strerror(errno)))")
      }
      free[UInt64(file.st_dev)] = UInt64(status.f_bavail) * UInt64(status.f_frsize)
    }
    let room = free.values.reduce(0, +)
    let needed = bytes.map { $0 + $0 / 10 } ?? 0
    guard room > needed, !free.values.contains(0) else {
      throw NodeWorkError(
        .storage, "\(what) has \(ByteSize.text(room)) left, and \(archive) needs \(ByteSize.text(needed))",
        advice: advice)
    }
    var pools: Set<String> = []
    var isElsewhereToo = false
    for place in places {
      do {
        pools.insert(try await snapshots.origin(of: place).pool)
      } catch  where error.kind == .noSnapshots {
        // On a plain disk it fills no pool.
        isElsewhereToo = true
      }
    }
    for use in try await snapshots.pools() where pools.contains(use.name) && use.bytes > 0 {
      let share = pools.count == 1 && !isElsewhereToo ? 100 * Double(bytes ?? 0) / Double(use.bytes) : 0
      let percent = use.dataPercent + share
      guard percent < PoolUse.refusalPercent, !use.isFull else {
        throw NodeWorkError(
          .poolFull,
          "the pool \(use.name) is full to \(PoolUse.text(use.dataPercent)) %, and would be to \(PoolUse.text(percent)) % "
            + "with \(archive) in \(what)", advice: "extend the pool; or \(advice)")
      }
    }
  }
}
