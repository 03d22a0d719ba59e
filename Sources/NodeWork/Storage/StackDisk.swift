import ProgramRunner

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
  static func all(of stack: CompiledStack) throws(NodeWorkError) -> [StackDisk] {
    var disks: [StackDisk] = []
    for volume in stack.volumes where !volume.isShared {
      let folder = DurableFile.folder(of: volume.path)
      guard folder.split(separator: "/").last.map(String.init) == stack.name else { continue }
      let wished = try volume.size.map { size throws(NodeWorkError) in try bytes(size, volume.name) }
      if let index = disks.firstIndex(where: { $0.mountPoint == folder }) {
        disks[index].bytes += wished ?? 0
        disks[index].isSized = disks[index].isSized && wished != nil
      } else {
        disks.append(
          StackDisk(
            stack: stack.name, class: volume.class, mountPoint: folder, bytes: wished ?? 0, isSized: wished != nil))
      }
    }
    for index in disks.indices where !disks[index].isSized {
      disks[index].bytes = max(disks[index].bytes, defaultBytes)
    }
    return disks
  }

  /// - Parameter text: such as `20GiB`.
  static func bytes(_ text: String, _ volume: String) throws(NodeWorkError) -> UInt64 {
    let shifts: [(String, UInt64)] = [("MiB", 20), ("GiB", 30), ("TiB", 40)]
    for (unit, shift) in shifts where text.hasSuffix(unit) {
      if let number = UInt64(text.dropLast(3)), number > 0, number < 1 << 20 { return number << shift }
    }
    throw NodeWorkError(
      .configuration, "the size “\(text)” of the volume \(volume) can not be read", advice: "write it as 20GiB")
  }

  /// The logical volume's name. LVM takes no more than 127 characters with the group's.
  var volumeName: String { "\(`class`).\(stack)" }
}
