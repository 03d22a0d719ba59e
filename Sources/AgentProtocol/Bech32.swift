/// Bech32 (BIP 173) without a limit on the length, as age uses it for its keys.
enum Bech32 {
  private static let alphabet = Array("qpzry9x8gf2tvdw0s3jn54khce6mua7l".utf8)

  /// The lower-case text for `bytes` after the human-readable `prefix`, which is in lower case.
  static func encode(prefix: String, bytes: [UInt8]) -> String {
    let values = regroup(bytes, from: 8, to: 5, padding: true) ?? []
    let check = polymod(expand(prefix) + values + [0, 0, 0, 0, 0, 0]) ^ 1
    let checksum = (0..<6).map { UInt8(truncatingIfNeeded: check >> (5 * (5 - UInt32($0))) & 31) }
    return prefix + "1" + String(decoding: (values + checksum).map { alphabet[Int($0)] }, as: UTF8.self)
  }

  /// The bytes of a text in one case with this prefix and a right checksum, or nil.
  static func decode(prefix: String, text: String) -> [UInt8]? {
    guard text.utf8.count <= 256, text == text.lowercased() || text == text.uppercased() else { return nil }
    let lower = Array(text.lowercased().utf8)
    guard let separator = lower.lastIndex(of: UInt8(ascii: "1")), lower[..<separator].elementsEqual(prefix.utf8) else {
      return nil
    }
    var values: [UInt8] = []
    for character in lower[(separator + 1)...] {
      guard let value = alphabet.firstIndex(of: character) else { return nil }
      values.append(UInt8(value))
    }
    guard values.count >= 6, polymod(expand(prefix) + values) == 1 else { return nil }
    return regroup(Array(values.dropLast(6)), from: 5, to: 8, padding: false)
  }

  private static func expand(_ prefix: String) -> [UInt8] {
    prefix.utf8.map { $0 >> 5 } + [0] + prefix.utf8.map { $0 & 31 }
  }

  private static func polymod(_ values: [UInt8]) -> UInt32 {
    let generator: [UInt32] = [0x3b6a_57b2, 0x2650_8e6d, 0x1ea1_19fa, 0x3d42_33dd, 0x2a14_62b3]
    var check: UInt32 = 1
    for value in values {
      let top = check >> 25
      check = (check & 0x1ff_ffff) << 5 ^ UInt32(value)
      for (bit, term) in generator.enumerated() where top >> UInt32(bit) & 1 == 1 { check ^= term }
    }
    return check
  }

  /// Cuts a row of groups of `from` bits into groups of `to` bits. Without padding, left-over bits have to be zero and
  /// fewer than `from`.
  private static func regroup(_ values: [UInt8], from: UInt32, to: UInt32, padding: Bool) -> [UInt8]? {
    var result: [UInt8] = []
    var buffer: UInt32 = 0
    var bits: UInt32 = 0
    for value in values {
      buffer = (buffer << from | UInt32(value)) & 0xfff
      bits += from
      while bits >= to {
        bits -= to
        result.append(UInt8(truncatingIfNeeded: buffer >> bits & (1 << to - 1)))
      }
    }
    let rest = buffer & (1 << bits - 1)
    if padding {
      if bits > 0 { result.append(UInt8(truncatingIfNeeded: rest << (to - bits))) }
    } else if bits >= from || rest != 0 {
      return nil
    }
    return result
  }
}
