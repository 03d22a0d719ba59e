import Synchronization

/// Wakes one waiter; a ring that nobody waits for is kept for the next.
package final class Bell: Sendable {
  private struct State {
    var isRung = false
    var waiter: AsyncStream<Void>.Continuation?
  }

  private let state = Mutex(State())

  package func ring() {
    let waiter = state.withLock { state in
      state.isRung = true
      defer { state.waiter = nil }
      return state.waiter
    }
    waiter?.finish()
  }

  /// Returns when it rings, or rang since the last wait, or when the caller is cancelled.
  package func wait() async {
    let (stream, continuation) = AsyncStream.makeStream(of: Void.self)
    let isRung = state.withLock { state in
      if !state.isRung { state.waiter = continuation }
      return state.isRung
    }
    if !isRung { for await _ in stream {} }
    // Whoever was cancelled leaves the ring to the next.
    if !Task.isCancelled { state.withLock { $0.isRung = false } }
  }
}
