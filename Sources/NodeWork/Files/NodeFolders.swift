import StackSet

/// Where the agent keeps what it knows on a node.
public struct NodeFolders: Sendable, Hashable {
  /// What outlives a restart.
  public var state: String
  /// What does not.
  public var runtime: String

  public init(state: String = "/var/lib/bootstead", runtime: String = "/run/bootstead") {
    self.state = state
    self.runtime = runtime
  }

  /// The stack set that was applied last.
  public var appliedStacks: String { state + "/stacks/set.json" }
  public var stackDigests: String { state + "/stacks/digests.json" }
  public var stacksLock: String { state + "/stacks/lock" }
  /// Taken while what runs of a stack is changed.
  package func servicesLock(_ stack: String) -> String { state + "/stacks/services/" + stack }
  public var secrets: String { runtime + "/secrets" }
  /// Borg's keys, caches and what it knows of repositories.
  public var borg: String { state + "/borg" }
  /// Restic's caches.
  public var restic: String { state + "/restic" }
  public var backups: String { state + "/backup" }

  func backup(_ stack: String) -> String { backups + "/" + stack }
  /// In a stack's place, of a plan that copies folders or a disk as a whole. No stack's name begins with a point.
  func plan(_ name: String) -> String { ".plan-" + name }
  func journal(_ stack: String) -> String { backup(stack) + "/journal.json" }
  /// What is done with a stack's snapshots now.
  func snapshotJournal(_ stack: String) -> String { backup(stack) + "/snapshot.json" }
  /// A rollback that failed when some of a stack's data was back.
  func haltedRollback(_ stack: String) -> String { backup(stack) + "/halted.json" }
  /// The scratch copy of a stack that a test of its restore has made.
  func scratchJournal(_ stack: String) -> String { backup(stack) + "/scratch.json" }
  /// A restore under way.
  func restoreJournal(_ stack: String) -> String { backup(stack) + "/restore.json" }
  /// What a restore fetches beside the volumes.
  func restoreWork(_ stack: String) -> String { backup(stack) + "/restore" }
  /// How full pools were.
  var poolHistory: String { state + "/storage/pools.json" }
  /// A disk that is being added.
  var diskAddition: String { state + "/storage/add-disk.json" }
  /// How units of other designs ended.
  var unitHistory: String { backups + "/.units.json" }
  func history(_ stack: String) -> String { backup(stack) + "/history.json" }
  func lock(_ stack: String) -> String { backup(stack) + "/lock" }
  /// The folder that archives are made of: always the same path, so that unchanged files are known again.
  func source(_ stack: String) -> String { backup(stack) + "/source" }
  func mounts(_ stack: String) -> String { backup(stack) + "/mounts" }
}
