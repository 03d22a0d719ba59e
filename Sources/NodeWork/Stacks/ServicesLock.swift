/// Taken by whoever changes what runs of a stack, for as long as it has to stay so: an apply and the verbs, the standstill
/// of a backup, a restore and a rollback.
///
/// It is taken after the stack's lock and after that of all stacks, and neither of them after it: who waits for it holds up
/// nobody who has it.
package enum ServicesLock {
  /// Stacks whose lock this task has already.
  @TaskLocal static var held: Set<String> = []

  /// How long a person, or the start of a machine, waits: longer than services stand still for a snapshot.
  package static let patience = Duration.seconds(120)
  /// For what has to be done: longer than services take to come up.
  static let long = Duration.seconds(1800)

  typealias Lock = @Sendable (_ path: String, _ holder: String) throws(NodeWorkError) -> FileLock

  /// - Returns: nil where this task has it.
  /// - Throws: kind `locked` where another process keeps it for longer than the patience.
  static func take(
    _ stack: String, _ folders: NodeFolders, patience: Duration = long,
    by lock: Lock = { (path, holder) throws(NodeWorkError) in try FileLock.acquire(path, holder: holder) }
  ) async throws(NodeWorkError) -> FileLock? {
    if held.contains(stack) { return nil }
    let path = folders.servicesLock(stack)
    let end = ContinuousClock.now + patience
    while true {
      do {
        return try lock(path, "the services of \(stack)")
      } catch  where error.kind == .locked && ContinuousClock.now < end && !Task.isCancelled {
        do {
          try await Task.sleep(for: .milliseconds(250))
        } catch {
          // The next look is the last one.
        }
      }
    }
  }

  /// Does something that changes, or needs, what runs of a stack.
  package static func holding<Value: Sendable>(
    _ stack: String, _ folders: NodeFolders, patience: Duration = patience, _ work: () async throws -> Value
  ) async throws -> Value {
    let lock = try await take(stack, folders, patience: patience)
    defer { lock?.release() }
    return try await $held.withValue(held.union([stack])) { try await work() }
  }
}
