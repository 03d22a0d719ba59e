import NixFormats
import Synchronization

/// How a closure is fetched.
public struct ClosureLimits: Sendable {
  /// Downloads at once.
  public var inFlight: Int
  public var paths: Int
  /// Failures in a row, without one byte in between, before giving up: of a cache that answers, and of one that does not.
  public var attempts: Int
  public var unansweredAttempts: Int
  /// Before the second attempt; doubled for each further one, up to 30 seconds.
  public var firstDelay: Duration
  /// In bytes: how much may be on its way to the disk before it is forced there and recorded.
  public var batchSize: UInt64
  /// The longest that what has come stays unrecorded: so much of the copy does a power cut cost.
  public var batchInterval: Duration
  /// Waits between attempts.
  public var wait: @Sendable (Duration) async throws -> Void
  /// Told each trouble that is tried again, with its reason; called from several tasks.
  public var noteTrouble: @Sendable (StorePath, String) -> Void

  public init(
    inFlight: Int = 8, paths: Int = 100_000, attempts: Int = 8, unansweredAttempts: Int = 1000,
    firstDelay: Duration = .seconds(1), batchSize: UInt64 = 256 << 20, batchInterval: Duration = .seconds(10),
    wait: @escaping @Sendable (Duration) async throws -> Void = { try await Task.sleep(for: $0) },
    noteTrouble: @escaping @Sendable (StorePath, String) -> Void = { _, _ in }
  ) {
    self.inFlight = max(inFlight, 1)
    self.paths = paths
    self.attempts = max(attempts, 1)
    self.unansweredAttempts = max(unansweredAttempts, 1)
    self.firstDelay = firstDelay
    self.batchSize = batchSize
    self.batchInterval = batchInterval
    self.wait = wait
    self.noteTrouble = noteTrouble
  }

  /// - Parameter failures: in a row, from 1.
  func delay(after failures: Int) -> Duration {
    min(firstDelay * (1 << min(max(failures, 1) - 1, 10)), .seconds(30))
  }
}

/// How far the installation of a closure is.
public struct ClosureProgress: Hashable, Sendable {
  public var pathsDone = 0
  public var pathsTotal = 0
  /// On the disk for good: these are not copied again after a power cut.
  public var pathsRecorded = 0
  /// Unpacked, as the narinfos count (NarSize).
  public var bytesDone: UInt64 = 0
  public var bytesTotal: UInt64 = 0
}

/// Counts what many downloads do, and reports it at most once per MiB.
final class ProgressCounter: Sendable {
  private struct State {
    var progress: ClosureProgress
    var unreported: UInt64 = 0
  }

  private let state: Mutex<State>
  private let report: @Sendable (ClosureProgress) -> Void

  init(_ progress: ClosureProgress, report: @escaping @Sendable (ClosureProgress) -> Void) {
    state = Mutex(State(progress: progress))
    self.report = report
    report(progress)
  }

  func add(bytes: UInt64) {
    let due: ClosureProgress? = state.withLock { state in
      state.progress.bytesDone &+= bytes
      state.unreported &+= bytes
      guard state.unreported >= 1 << 20 else { return nil }
      state.unreported = 0
      return state.progress
    }
    if let due { report(due) }
  }

  /// - Parameter paths: how many more are on the disk for good.
  func record(paths: Int) {
    report(
      state.withLock { state in
        state.progress.pathsRecorded += paths
        return state.progress
      })
  }

  /// A download begins again from zero.
  func remove(bytes: UInt64) { state.withLock { $0.progress.bytesDone &-= bytes } }

  func finishPath() {
    let progress = state.withLock { state in
      state.progress.pathsDone += 1
      state.unreported = 0
      return state.progress
    }
    report(progress)
  }
}
