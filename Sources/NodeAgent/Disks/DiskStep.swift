public import DiskLayout

/// One step in setting up the disks. It is done at most once for a plan, however often the machine loses power.
struct DiskStep: Sendable {
  /// What it does, for the console.
  let text: String
  /// Looks at the disk whether the step is done.
  let isDone: @Sendable () async throws(DiskExecutionError) -> Bool
  let run: @Sendable () async throws(DiskExecutionError) -> Void
}

/// How far the executor is.
public struct DiskProgress: Sendable, Hashable {
  public enum State: String, Sendable, Hashable { case started, alreadyDone, finished }

  /// Counts from 1.
  public var step: Int
  public var of: Int
  public var text: String
  public var state: State

  public init(step: Int, of: Int, text: String, state: State) {
    self.step = step
    self.of = of
    self.text = text
    self.state = state
  }
}

/// A disk that is laid out and mounted.
public struct MountedLayout: Sendable, Hashable {
  /// Where the new system's root is.
  public var target: String
  /// The disk's node in this boot.
  public var diskNode: String
  /// To be kept on record: a rebuild takes over the group with this UUID and no other.
  public var volumeGroupUUID: String

  public init(target: String, diskNode: String, volumeGroupUUID: String) {
    self.target = target
    self.diskNode = diskNode
    self.volumeGroupUUID = volumeGroupUUID
  }
}

/// Where the executor sees the machine's disks.
public protocol DiskSource: Sendable {
  /// All disks.
  func disks() -> DiskInventory
  /// The disks with this stable name, one as a rule; no other disk is read.
  func disks(withID id: String) -> [Disk]
  /// The node and sizes of a disk's partitions as the kernel knows them, by partition number.
  func partitionNodes(of disk: Disk) -> [Int: PartitionNode]
  /// The number of a device node; nil where there is no such node.
  func deviceNumber(of path: String) -> UInt64?
  /// What libblkid finds on a device; nil where it cannot be read.
  func signatures(ofDevice path: String) -> [Signature]?
  /// The volume group that a physical volume belongs to.
  func volumeGroup(ofDevice path: String) -> VolumeGroupRecord?
  func mounts() -> MountTable
}

/// A partition that the kernel knows.
public struct PartitionNode: Sendable, Hashable {
  /// `/dev/nvme0n1p3`
  public var path: String
  /// Bytes from the start of the disk.
  public var start: UInt64
  /// Bytes.
  public var size: UInt64

  public init(path: String, start: UInt64, size: UInt64) {
    self.path = path
    self.start = start
    self.size = size
  }
}
