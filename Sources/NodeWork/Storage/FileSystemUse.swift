import AgentProtocol
import Glibc

/// How much a file system holds, and how much of that is taken.
public struct FileSystemCapacity: Sendable, Hashable {
  public var bytes: UInt64
  /// Of what others than root may fill.
  public var usedPercent: Double
  /// Where the file system has a fixed number of inodes.
  public var inodesPercent: Double?

  public init(bytes: UInt64, usedPercent: Double, inodesPercent: Double? = nil) {
    self.bytes = bytes
    self.usedPercent = usedPercent
    self.inodesPercent = inodesPercent
  }

  /// - Returns: nil where nothing is there.
  public static func of(_ path: String) -> FileSystemCapacity? {
    var status = statvfs()
    guard statvfs(path, &status) == 0, status.f_blocks > 0 else { return nil }
    let used = Double(status.f_blocks - status.f_bfree)
    let inodes = status.f_files > 0 ? 100 * Double(status.f_files - status.f_ffree) / Double(status.f_files) : nil
    return FileSystemCapacity(
      bytes: UInt64(status.f_blocks) * UInt64(status.f_frsize),
      usedPercent: 100 * used / max(1, used + Double(status.f_bavail)), inodesPercent: inodes)
  }
}

/// How full a file system is.
public struct FileSystemUse: Sendable, Hashable, Codable {
  public var mountPoint: String
  public var source: String
  public var type: String
  public var bytes: UInt64
  public var usedPercent: Double
  public var inodesPercent: Double?

  init(_ mounted: MountedFileSystem, _ capacity: FileSystemCapacity) {
    mountPoint = mounted.target
    source = mounted.source
    type = mounted.fstype
    bytes = capacity.bytes
    usedPercent = capacity.usedPercent
    inodesPercent = capacity.inodesPercent
  }

  /// From the same use on as pools.
  var findings: [NodeAlarm] {
    var found: [NodeAlarm] = []
    func add(_ aspect: String, _ text: String) {
      found.append(NodeAlarm(subject: "file system \(mountPoint): \(aspect)", text: text))
    }
    if usedPercent >= PoolUse.alarmPercent {
      add(
        "data",
        "the file system at \(mountPoint) is full to \(PoolUse.text(usedPercent)) %; extend it, or remove data")
    }
    if let inodesPercent, inodesPercent >= PoolUse.alarmPercent {
      add(
        "inodes",
        "the file system at \(mountPoint) has used \(PoolUse.text(inodesPercent)) % of its inodes; remove small files")
    }
    return found
  }
}
