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

  /// Looks for what would keep it from going back, before anything stops.
  func checkRollBack(to snapshot: Snapshot) async throws(NodeWorkError)

  /// Brings the origin back to that state; the snapshot stays. What uses the origin has been stopped.
  /// - Throws: kind `unfinished` where the origin is not mounted now. After any other error it is, and as it was.
  func rollBack(to snapshot: Snapshot, mountPoint: String) async throws(NodeWorkError)

  func destroy(_ snapshot: Snapshot) async throws(NodeWorkError)
}
