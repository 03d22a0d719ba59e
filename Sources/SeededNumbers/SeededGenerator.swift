/// Repeatable random numbers (SplitMix64; Steele, Lea, Flood 2014), for tests and labs: what failed comes again with its
/// seed. Nothing that has to be unpredictable may use it.
public struct SeededGenerator: RandomNumberGenerator {
  private var state: UInt64

  public init(seed: UInt64) { state = seed }

  public mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var value = state
    value = (value ^ (value >> 30)) &* 0xBF58_476D_1CE4_E5B9
    value = (value ^ (value >> 27)) &* 0x94D0_49BB_1331_11EB
    return value ^ (value >> 31)
  }

  /// True with a probability of 0 to 1.
  public mutating func chance(_ probability: Double) -> Bool {
    probability > 0 && Double(next() >> 11) < probability * 0x1p53
  }

  /// A duration between zero and a limit, in whole microseconds.
  public mutating func duration(upTo limit: Duration) -> Duration {
    let microseconds = limit.components.seconds * 1_000_000 + limit.components.attoseconds / 1_000_000_000_000
    return microseconds > 0 ? .microseconds(Int64(next() % UInt64(microseconds + 1))) : .zero
  }
}
