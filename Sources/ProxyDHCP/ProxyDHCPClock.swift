import NIOCore

#if canImport(Musl)
  import Musl
#else
  import Glibc
#endif

/// The two clocks of the server; tests bring their own.
public struct ProxyDHCPClock: Sendable {
  /// Milliseconds that only go forward.
  public var monotonic: @Sendable () -> UInt64
  /// Milliseconds since 1970-01-01T00:00:00Z.
  public var wall: @Sendable () -> Int64

  public init(monotonic: @escaping @Sendable () -> UInt64, wall: @escaping @Sendable () -> Int64) {
    self.monotonic = monotonic
    self.wall = wall
  }

  public static let system = ProxyDHCPClock(
    monotonic: { NIODeadline.now().uptimeNanoseconds / 1_000_000 },
    wall: {
      var now = timespec()
      clock_gettime(CLOCK_REALTIME, &now)
      return Int64(now.tv_sec) * 1000 + Int64(now.tv_nsec) / 1_000_000
    })
}
