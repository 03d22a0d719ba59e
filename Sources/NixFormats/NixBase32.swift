/// Nix's own base 32: an alphabet without `e`, `o`, `t` and `u`, most significant digit first, over bytes taken as one
/// little-endian number (nix, src/libutil/hash.cc, `printHash32`).
public enum NixBase32 {
  static let alphabet: [UInt8] = Array("0123456789abcdfghijklmnpqrsvwxyz".utf8)

  /// The value of one digit, or nil.
  static func value(of digit: UInt8) -> UInt8? {
    switch digit {
    case UInt8(ascii: "0")...UInt8(ascii: "9"): digit - UInt8(ascii: "0")
    case UInt8(ascii: "a")...UInt8(ascii: "d"): digit - UInt8(ascii: "a") + 10
    case UInt8(ascii: "f")...UInt8(ascii: "n"): digit - UInt8(ascii: "f") + 14
    case UInt8(ascii: "p")...UInt8(ascii: "s"): digit - UInt8(ascii: "p") + 23
    case UInt8(ascii: "v")...UInt8(ascii: "z"): digit - UInt8(ascii: "v") + 27
    default: nil
    }
  }

  /// 20 bytes give 32 characters, 32 bytes give 52.
  public static func encode(_ bytes: some Collection<UInt8>) -> String {
    let bytes = Array(bytes)
    guard !bytes.isEmpty else { return "" }
    let length = (bytes.count * 8 - 1) / 5 + 1
    var text: [UInt8] = []
    text.reserveCapacity(length)
    for position in stride(from: length - 1, through: 0, by: -1) {
      let bit = position * 5
      let index = bit / 8
      let low = UInt16(bytes[index])
      let high = index + 1 < bytes.count ? UInt16(bytes[index + 1]) : 0
      text.append(alphabet[Int((high << 8 | low) >> UInt16(bit % 8) & 0x1f)])
    }
    return String(decoding: text, as: UTF8.self)
  }

  /// The bytes, or nil where a character is foreign, the length fits no whole number of bytes, or unused bits are set.
  public static func decode(_ text: some StringProtocol) -> [UInt8]? {
    let digits = Array(text.utf8)
    let count = digits.count * 5 / 8
    guard count > 0 ? (count * 8 - 1) / 5 + 1 == digits.count : digits.isEmpty else { return nil }
    var bytes = [UInt8](repeating: 0, count: count)
    for (offset, digit) in digits.reversed().enumerated() {
      guard let value = value(of: digit) else { return nil }
      let bit = offset * 5
      let index = bit / 8
      let shifted = UInt16(value) << UInt16(bit % 8)
      bytes[index] |= UInt8(truncatingIfNeeded: shifted)
      let carry = UInt8(truncatingIfNeeded: shifted >> 8)
      if index + 1 < count {
        bytes[index + 1] |= carry
      } else if carry != 0 {
        return nil
      }
    }
    return bytes
  }
}
