import AgentProtocol
import Testing

/// A generator with a seed, so that a failure comes again.
struct SeededGenerator: RandomNumberGenerator {
  var state: UInt64

  mutating func next() -> UInt64 {
    // SplitMix64 (Steele, Lea, Flood 2014).
    state &+= 0x9e37_79b9_7f4a_7c15
    var mixed = state
    mixed = (mixed ^ (mixed >> 30)) &* 0xbf58_476d_1ce4_e5b9
    mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
    return mixed ^ (mixed >> 31)
  }
}

@Suite("Hostile input")
struct HostileInputTests {
  @Test(
    "an age file with bytes changed, doubled or missing is refused, never opened to something else", arguments: 0..<20)
  func mutatedAgeFiles(seed: Int) throws {
    var random = SeededGenerator(state: UInt64(seed))
    let identity = AgeIdentity()
    let content = Array("the content".utf8)
    let file = try AgeFile.seal(content, to: identity.recipient)
    for _ in 0..<50 {
      var changed = file
      for _ in 0..<Int.random(in: 1...4, using: &random) {
        guard changed.count > 1 else { break }
        let index = Int.random(in: 0..<changed.count, using: &random)
        switch Int.random(in: 0..<4, using: &random) {
        case 0: changed[index] = UInt8.random(in: .min ... .max, using: &random)
        case 1: changed.remove(at: index)
        case 2: changed.insert(changed[index], at: index)
        default: changed.removeLast(changed.count - max(1, index))
        }
      }
      let opened = try? AgeFile.open(changed, with: identity)
      #expect(opened == nil || changed == file)
    }
  }

  @Test("messages made of arbitrary bytes are refused", arguments: 0..<20)
  func arbitraryMessages(seed: Int) {
    var random = SeededGenerator(state: UInt64(seed) &+ 1000)
    let alphabet = Array(#"{}[]":,\u0019ntfae-."task""wait""install""#.utf8)
    for _ in 0..<200 {
      let bytes = (0..<Int.random(in: 0...60, using: &random)).map { _ in alphabet.randomElement(using: &random) ?? 0 }
      #expect(throws: MessageCoder.Failure.self) { try MessageCoder.decode(HelloRequest.self, from: bytes) }
    }
  }

  @Test("brackets nested a hundred thousand deep are refused")
  func deepNesting() {
    let bytes = [UInt8](repeating: UInt8(ascii: "["), count: 100_000)
    #expect(throws: MessageCoder.Failure.self) { try MessageCoder.decode(AgentTask.self, from: bytes) }
  }
}
