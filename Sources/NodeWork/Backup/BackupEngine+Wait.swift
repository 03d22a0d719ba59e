extension BackupEngine {
  /// Between two tries to take a lock.
  private static let tryInterval: Duration = .seconds(2)

  /// Does work that begins by taking a stack's lock. Where another process holds that, it is tried again until
  /// ``lockWait`` is over. Whoever is killed meanwhile has begun nothing.
  /// - Parameter waits: otherwise it is tried once.
  func patiently<Value>(
    _ waits: Bool = true, _ work: () async throws(NodeWorkError) -> Value
  ) async throws(NodeWorkError) -> Value {
    let clock = ContinuousClock()
    let end = clock.now + lockWait
    var isSaid = false
    while true {
      do {
        return try await work()
      } catch {
        guard waits, lockWait > .zero, error.kind == .locked else { throw error }
        guard clock.now < end else {
          throw NodeWorkError(
            .locked, "\(error.problem), and has done so for \(Self.text(lockWait))",
            advice: "let the long one run at another time, or see whether it hangs")
        }
        if !isSaid { say("\(error.problem); waiting for it, \(Self.text(lockWait)) at most") }
        isSaid = true
        do {
          try await Task.sleep(for: min(Self.tryInterval, clock.now.duration(to: end)))
        } catch _ {
          throw error
        }
      }
    }
  }

  /// Waits until nobody works on a stack, before locks of several are taken together.
  func waitForEnd(of stack: String) async throws(NodeWorkError) {
    guard lockWait > .zero else { return }
    try await patiently { () throws(NodeWorkError) in try lock(folders.lock(stack), stack).release() }
  }

  private static func text(_ wait: Duration) -> String {
    let minutes = wait.components.seconds / 60
    return minutes >= 120 ? "\(minutes / 60) hours" : "\(minutes) minutes"
  }
}
