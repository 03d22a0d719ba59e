import DiskLayout
import Glibc

extension BackupEngine {
  /// Whether an archive fits into a scratch folder. A pool that it would fill stops every service that writes.
  /// - Parameter bytes: of the archive's files; nil where no run here has made it.
  func checkScratchRoom(_ scratch: String, for archive: String, bytes: UInt64?) async throws(NodeWorkError) {
    var status = statvfs()
    guard statvfs(scratch, &status) == 0 else {
      throw NodeWorkError(.file, "can not look at \(scratch): \(String(cString: strerror(errno)))")
    }
    let free = UInt64(status.f_bavail) * UInt64(status.f_frsize)
    let needed = bytes.map { $0 + $0 / 10 } ?? 0
    guard free > needed else {
      throw NodeWorkError(
        .storage, "\(scratch) has \(ByteSize.text(free)) left, and \(archive) needs \(ByteSize.text(needed))",
        advice: "name a folder with more room with --scratch")
    }
    let pool: String
    do {
      pool = try await snapshots.origin(of: scratch).pool
    } catch  where error.kind == .noSnapshots {
      // On a plain disk it fills no pool.
      return
    }
    guard let use = try await snapshots.pools().first(where: { $0.name == pool }), use.bytes > 0 else { return }
    let percent = use.dataPercent + 100 * Double(needed) / Double(use.bytes)
    guard percent < PoolUse.refusalPercent, !use.isFull else {
      throw NodeWorkError(
        .poolFull,
        "the pool \(pool) is full to \(PoolUse.text(use.dataPercent)) %, and would be to \(PoolUse.text(percent)) % with "
          + "\(archive) in \(scratch)", advice: "extend the pool, or name a folder elsewhere with --scratch")
    }
  }
}
