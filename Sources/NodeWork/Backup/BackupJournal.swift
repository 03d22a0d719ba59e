import FoundationEssentials

/// What a run under way has changed, or is about to: written before each change, so that whoever comes after a kill or a
/// power cut can take it back.
struct BackupJournal: Sendable, Hashable, Codable {
  enum Step: String, Sendable, Hashable, Codable {
    case begin, probe, dump, stop, snapshot, start, mount, create, drop, prune, check
  }

  var schema = 1
  var run: String
  var stack: String
  var plan: String
  var tier: Int
  var started: Date
  var step = Step.begin
  /// Services that were stopped or paused and have to run again.
  var services: [String] = []
  /// Whether the engine was told to stop them and has not said that it did. It goes on with that when its caller is gone.
  var isStopping: Bool?
  var snapshots: [Snapshot] = []
  /// In the order in which they were mounted.
  var mounts: [String] = []
  /// Files that are removed afterwards.
  var files: [String]?
  /// Those that a run of a plan copies which is bound to folders or a disk, and has no stack of its own.
  var stacks: [String]?
  /// Whether there may be a lock in it that nobody frees.
  var hasUsedRepository = false
}
