/// Lets `rate` events pass per second, and `burst` at once after a pause.
struct TokenBucket: Sendable {
  /// Thousandths of a token.
  private var level: UInt64
  private var last: UInt64

  /// - Parameter now: milliseconds.
  init(burst: Int, now: UInt64) {
    level = UInt64(max(1, burst)) * 1000
    last = now
  }

  mutating func take(rate: Int, burst: Int, now: UInt64) -> Bool {
    // An hour fills any bucket; the bound keeps the product small.
    let elapsed = min(now > last ? now - last : 0, 3_600_000)
    last = max(last, now)
    level = min(level + elapsed * UInt64(max(0, min(rate, 1_000_000_000))), UInt64(max(1, burst)) * 1000)
    guard level >= 1000 else { return false }
    level -= 1000
    return true
  }
}
