import Synchronization

/// Picks every tenth part out of a stream of progress, for consoles that only know lines.
final class Milestones: Sendable {
  private let last = Mutex(-1)

  /// True the first time that a further tenth is reached.
  func isNew(_ fraction: Double) -> Bool {
    guard fraction.isFinite else { return false }
    let tenth = Int(min(1, max(0, fraction)) * 10)
    return last.withLock { last in
      defer { last = max(last, tenth) }
      return tenth > last
    }
  }
}
