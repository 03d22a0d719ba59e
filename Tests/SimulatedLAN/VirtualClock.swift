import ProxyDHCP
import Synchronization

/// The time in the simulation, which only events move.
final class VirtualClock: Sendable {
  /// Not zero at the start, so that nothing can take an unset time for the beginning.
  private let state = Mutex(Duration.seconds(1000))

  var now: Duration { state.withLock { $0 } }

  func advance(to moment: Duration) { state.withLock { $0 = max($0, moment) } }

  var proxyDHCP: ProxyDHCPClock {
    ProxyDHCPClock(monotonic: { UInt64(self.milliseconds) }, wall: { self.milliseconds })
  }

  private var milliseconds: Int64 {
    let parts = now.components
    return parts.seconds * 1000 + parts.attoseconds / 1_000_000_000_000_000
  }
}
