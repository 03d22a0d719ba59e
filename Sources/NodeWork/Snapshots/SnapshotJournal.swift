/// What is done with a stack's snapshots now, written before it is done: whoever comes after a kill or a power cut takes
/// back what was being made, and goes on with a rollback.
struct SnapshotJournal: Sendable, Hashable, Codable {
  var schema = 1
  var stack: String
  /// Being made, or made for a while only.
  var snapshots: [Snapshot] = []
  var rollback: SnapshotRollback?
}
