import StackSet

/// A stack of which no snapshot was made.
public struct SnapshotFailure: Sendable, Hashable {
  public var stack: String
  public var error: NodeWorkError
}

extension SnapshotEngine {
  /// Makes a snapshot of each of several stacks. One that fails leaves the others alone.
  /// - Parameter names: of stacks; all where there are none.
  /// - Throws: before anything is made, where there is no such stack or the label can not name a snapshot.
  public func create(
    _ names: [String], label: String
  ) async throws(NodeWorkError) -> (made: [Snapshot], failures: [SnapshotFailure]) {
    try Snapshot.check(label: label)
    for name in names { _ = try set.stack(name) }
    var made: [Snapshot] = []
    var failures: [SnapshotFailure] = []
    for name in names.isEmpty ? set.stacks.map(\.name) : names {
      do {
        made += try await create(name, label: label)
      } catch {
        failures.append(SnapshotFailure(stack: name, error: error))
      }
    }
    return (made, failures)
  }
}
