import ProgramRunner

/// Makes snapshots of file systems.
public protocol SnapshotProvider: Sendable {
  var kind: Snapshot.Provider { get }

  /// - Returns: nil where the file system is not one of this provider's.
  func origin(of mounted: MountedFileSystem) async throws(NodeWorkError) -> SnapshotOrigin?

  /// The pools of this machine.
  func pools() async throws(NodeWorkError) -> [PoolUse]

  func create(_ snapshot: Snapshot) async throws(NodeWorkError)

  /// The command that mounts it for reading.
  func mount(_ snapshot: Snapshot, at path: String) -> Command

  /// All that Bootstead made, in the order of their making.
  func list() async throws(NodeWorkError) -> [Snapshot]

  /// Brings the origin back to that state; the snapshot stays. What uses the origin has been stopped.
  func rollBack(to snapshot: Snapshot, mountPoint: String) async throws(NodeWorkError)

  func destroy(_ snapshot: Snapshot) async throws(NodeWorkError)
}
