import Crypto

/// Builds the bytes that are signed or hashed: a domain string, then every field with its length before it, so that
/// no two different messages give the same bytes.
struct SignedPayload {
  private(set) var bytes: [UInt8]

  init(domain: String) {
    bytes = []
    append(domain)
  }

  mutating func append(_ field: some Collection<UInt8>) {
    append(UInt64(field.count))
    bytes += field
  }

  mutating func append(_ text: String) { append(Array(text.utf8)) }

  /// Eight bytes, most significant first.
  mutating func append(_ number: UInt64) {
    for shift in stride(from: 56, through: 0, by: -8) {
      bytes.append(UInt8(truncatingIfNeeded: number >> UInt64(shift)))
    }
  }
}

/// SHA-256 of `bytes`.
func digest(_ bytes: [UInt8]) -> [UInt8] { Array(SHA256.hash(data: bytes)) }

/// Compares in a time that depends on the lengths only.
func equalInConstantTime(_ left: [UInt8], _ right: [UInt8]) -> Bool {
  guard left.count == right.count else { return false }
  var difference: UInt8 = 0
  for (a, b) in zip(left, right) { difference |= a ^ b }
  return difference == 0
}
