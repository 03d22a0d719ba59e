import ProgramRunner
import StackSet

/// The file system of one stack and placement class: a thin volume or a ZFS data set of its own, so that it has its own
/// snapshots and its own limit.
public struct StackDisk: Sendable, Hashable, Codable {
  /// Where a volume's size is not declared. Thin: it takes from the pool what is written, and no more.
  static let defaultBytes: UInt64 = 10 << 30

  public var stack: String
  public var `class`: String
  /// `PLACEMENT/STACK`
  public var mountPoint: String
  /// Of all its volumes together.
  public var bytes: UInt64
  /// Whether a size was declared: only then it limits a data set.
  public var isSized: Bool

  /// The disks of a stack. Volumes that are shared, or that lie elsewhere than in a folder of the stack's name, have none.
  static func all(of stack: CompiledStack) -> [StackDisk] {
    var disks: [StackDisk] = []
    for volume in stack.volumes where !volume.isShared {
      let folder = DurableFile.folder(of: volume.path)
      guard folder.split(separator: "/").last.map(String.init) == stack.name else { continue }
      if let index = disks.firstIndex(where: { $0.mountPoint == folder }) {
        disks[index].bytes += volume.size ?? 0
        disks[index].isSized = disks[index].isSized && volume.size != nil
      } else {
        disks.append(
          StackDisk(
            stack: stack.name, class: volume.class.rawValue, mountPoint: folder, bytes: volume.size ?? 0,
            isSized: volume.size != nil))
      }
    }
    for index in disks.indices where !disks[index].isSized {
      disks[index].bytes = max(disks[index].bytes, defaultBytes)
    }
    return disks
  }

  /// The logical volume's name. LVM takes no more than 127 characters with the group's.
  var volumeName: String { "\(`class`).\(stack)" }
}
