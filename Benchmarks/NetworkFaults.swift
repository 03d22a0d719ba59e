/// What a bad network does to packets, made by the client itself. The same seed does the same.
struct NetworkFaults {
  /// Of packets in each direction, 0 to 1.
  let loss: Double
  /// Of received packets, 0 to 1: they change places with the next one.
  let reordering: Double
  private var state: UInt64

  init(loss: Double, reordering: Double, seed: UInt64) {
    self.loss = loss
    self.reordering = reordering
    state = seed
  }

  mutating func loses() -> Bool { loss > 0 && next() < loss }
  mutating func reorders() -> Bool { reordering > 0 && next() < reordering }

  /// SplitMix64, as a number from 0 to below 1.
  private mutating func next() -> Double {
    state &+= 0x9E37_79B9_7F4A_7C15
    var mixed = state
    mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
    mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
    return Double((mixed ^ (mixed >> 31)) >> 11) / Double(1 << 53)
  }
}
