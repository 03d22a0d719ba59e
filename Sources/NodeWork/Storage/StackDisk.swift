import ProgramRunner
import StackSet

/// The file system of one stack and placement class: a thin volume or a ZFS data set of its own, so that it has its own
/// snapshots and its own limit.
public struct StackDisk: Sendable, Hashable, Codable {
  /// For all volumes whose size is not declared. Thin: it takes from the pool what is written, and no more.
  static let defaultBytes: UInt64 = 10 << 30

  public var stack: String
  public var `class`: String
  /// `PLACEMENT/STACK`
  public var mountPoint: String
  /// Of all its volumes together.
  public var bytes: UInt64
  /// Whether a size was declared for one of them, by the machine or by the template: only then it grows.
  public var isSized: Bool
  /// Whether the machine's settings named one: only then it limits a data set.
  public var isLimit: Bool

  /// The disks of a stack. Volumes that are shared, or that lie elsewhere than in a folder of the stack's name, have none.
  static func all(of stack: CompiledStack) -> [StackDisk] {
    var disks: [StackDisk] = []
    var undeclared: Set<String> = []
    for volume in stack.volumes where !volume.isShared {
      let folder = DurableFile.folder(of: volume.path)
      guard folder.split(separator: "/").last.map(String.init) == stack.name else { continue }
      let found = disks.firstIndex { $0.mountPoint == folder }
      let index = found ?? disks.endIndex
      if found == nil {
        disks.append(
          StackDisk(
            stack: stack.name, class: volume.class.rawValue, mountPoint: folder, bytes: 0, isSized: false,
            isLimit: false))
      }
      disks[index].bytes += volume.size ?? 0
      disks[index].isSized = disks[index].isSized || volume.size != nil
      disks[index].isLimit = disks[index].isLimit || volume.isSizeSet == true
      if volume.size == nil { undeclared.insert(folder) }
    }
    for index in disks.indices where undeclared.contains(disks[index].mountPoint) {
      disks[index].bytes += defaultBytes
    }
    return disks
  }

  /// The size that a volume's setting needs, so that the disk is declared as large as it is.
  /// - Returns: as settings have it, in whole GiB; nil where it is declared so.
  func missing(to actual: UInt64, for volume: StackVolume) -> String? {
    // Groups round sizes up to whole extents.
    guard actual >= bytes + (1 << 30) else { return nil }
    let own = (volume.size ?? Self.defaultBytes) + (actual - bytes)
    return "\((own + (1 << 30) - 1) >> 30)GiB"
  }

  /// The logical volume's name. LVM takes no more than 127 characters with the group's.
  var volumeName: String { "\(`class`).\(stack)" }
}
