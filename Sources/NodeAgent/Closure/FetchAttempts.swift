import NixFormats

/// Counts what went wrong with one download, and waits before each further attempt.
struct FetchAttempts {
  let path: StorePath
  let limits: ClosureLimits
  private var failures = 0
  private var unanswered = 0

  init(_ path: StorePath, _ limits: ClosureLimits) {
    self.path = path
    self.limits = limits
  }

  /// Something came: whatever was wrong has passed.
  mutating func progressed() {
    failures = 0
    unanswered = 0
  }

  /// Returns when it is time to try again.
  mutating func wait(after trouble: any Error) async throws(ClosureError) {
    guard !(trouble is CancellationError) else { throw .cancelled }
    let delay: Duration
    if case .unanswered? = trouble as? CacheSourceError {
      unanswered += 1
      guard unanswered < limits.unansweredAttempts else {
        throw .unreachable(path, attempts: unanswered, reason: "\(trouble)")
      }
      delay = limits.delay(after: unanswered)
    } else {
      failures += 1
      guard failures < limits.attempts else { throw .unreachable(path, attempts: failures, reason: "\(trouble)") }
      delay = limits.delay(after: failures)
    }
    limits.noteTrouble(path, "\(trouble)")
    do { try await limits.wait(delay) } catch { throw .cancelled }
  }
}
