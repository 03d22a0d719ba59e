/// Identifiers that are computed instead of drawn.
public enum StableUUID {
  /// A UUID of version 8 (RFC 9562, 5.8) in lower case from the parts, by FNV-1a with 128 bits. Equal parts give
  /// equal identifiers; it hides nothing.
  public static func derive(from parts: [String]) -> String {
    // FNV-1a: offset basis and prime as in draft-eastlake-fnv, for 128 bits.
    var hash: UInt128 = 0x6c62_272e_07bb_0142_62b8_2175_6295_c58d
    let prime: UInt128 = 0x0000_0000_0100_0000_0000_0000_0000_013b
    for part in parts {
      for byte in part.utf8 { hash = (hash ^ UInt128(byte)) &* prime }
      // A byte that UTF-8 never has, so that ["a", "b"] and ["ab"] differ.
      hash = (hash ^ 0xff) &* prime
    }
    // FNV mixes low bits upward only: fold, and mix again.
    hash ^= hash >> 64
    hash = hash &* prime
    hash ^= hash >> 61
    var bytes = (0..<16).map { UInt8(truncatingIfNeeded: hash >> UInt128(120 - 8 * $0)) }
    bytes[6] = bytes[6] & 0x0f | 0x80
    bytes[8] = bytes[8] & 0x3f | 0x80
    let hex = bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }
    return [0..<4, 4..<6, 6..<8, 8..<10, 10..<16].map { hex[$0].joined() }.joined(separator: "-")
  }
}
