/// Waits longer after each failure: 1, 2, 4 … 30 seconds, each shortened by up to a quarter so that machines which lost
/// the same server do not come back at the same moment.
public struct Patience: Sendable {
  private var next: Duration = .seconds(1)
  private let pause: @Sendable (Duration) async throws -> Void

  public init(pause: @escaping @Sendable (Duration) async throws -> Void = { try await Task.sleep(for: $0) }) {
    self.pause = pause
  }

  /// Waits.
  /// - Throws: when the task is cancelled.
  public mutating func wait() async throws {
    let shortened = next * Double.random(in: 0.75...1)
    next = min(next * 2, .seconds(30))
    try await pause(shortened)
  }
}
