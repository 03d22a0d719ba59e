/// Lets one warning of a kind through per half minute, and counts the others.
struct WarningLimit: Sendable {
  enum Kind: Hashable, Sendable, CaseIterable {
    case malformed
    case rateLimited
    case unanswerable

    var text: String {
      switch self {
      case .malformed: "it is not DHCP"
      case .rateLimited: "it is over the rate limit"
      case .unanswerable: "its sender's address is not on this link"
      }
    }
  }

  struct Report: Sendable {
    let kind: Kind
    /// Warnings of this kind that were held back since the last one.
    let suppressed: Int
  }

  /// Milliseconds.
  private static let pause: UInt64 = 30_000

  private var last: [Kind: UInt64] = [:]
  private var suppressed: [Kind: Int] = [:]

  mutating func pass(_ kind: Kind, now: UInt64) -> Report? {
    if let last = last[kind], now < last + Self.pause {
      suppressed[kind, default: 0] += 1
      return nil
    }
    last[kind] = now
    return Report(kind: kind, suppressed: suppressed.removeValue(forKey: kind) ?? 0)
  }
}
