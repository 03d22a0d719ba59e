/// One question to a name server and its answer (RFC 1035), of addresses alone.
public struct NameQuestion: Sendable, Hashable {
  public enum Kind: UInt16, Sendable, Hashable, CaseIterable {
    case ipv4 = 1
    case ipv6 = 28
  }

  public enum Answer: Sendable, Hashable {
    /// None: the name is there, and has no such address.
    case addresses([String])
    case noSuchName
    /// The server does not answer for it; its code (RFC 1035, 4.1.1).
    case refused(code: UInt8)
  }

  public var identifier: UInt16
  public var name: String
  public var kind: Kind

  public init(identifier: UInt16, name: String, kind: Kind) {
    (self.identifier, self.name, self.kind) = (identifier, name, kind)
  }

  /// - Returns: nil where the name is none: labels have 1 to 63 bytes, the whole of it at most 253.
  public func encoded() -> [UInt8]? {
    let labels = name.utf8.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
    guard (1...253).contains(name.utf8.count), labels.allSatisfy({ (1...63).contains($0.count) }) else { return nil }
    // One question, and the server is asked to find the answer itself.
    var bytes = Self.pair(identifier) + [0x01, 0x00, 0, 1, 0, 0, 0, 0, 0, 0]
    for label in labels { bytes += [UInt8(label.count)] + label }
    return bytes + [0] + Self.pair(kind.rawValue) + [0, 1]
  }

  /// - Returns: nil where the bytes are no answer to this question.
  public func answer(in bytes: [UInt8]) -> Answer? {
    guard bytes.count >= 12, Self.number(bytes, 0) == identifier, bytes[2] & 0x80 != 0, Self.number(bytes, 4) == 1,
      let question = encoded().map({ Array($0[12...]) }), bytes.count >= 12 + question.count,
      // Servers may answer with other letters' cases.
      zip(bytes[12...], question).allSatisfy({ Self.lower($0) == Self.lower($1) })
    else { return nil }
    switch bytes[3] & 0x0f {
    case 0: break
    case 3: return .noSuchName
    case let code: return .refused(code: code)
    }
    var position = 12 + question.count
    var addresses: [String] = []
    for _ in 0..<Int(Self.number(bytes, 6)) {
      guard let name = Self.skipName(bytes, position), name + 10 <= bytes.count else { return nil }
      let type = Self.number(bytes, name)
      let length = Int(Self.number(bytes, name + 8))
      let data = name + 10
      guard data + length <= bytes.count else { return nil }
      // Aliases are in the same answer, with what they lead to.
      if type == kind.rawValue {
        guard let address = Self.address(Array(bytes[data..<data + length]), kind) else { return nil }
        addresses.append(address)
      }
      position = data + length
    }
    return .addresses(addresses)
  }

  private static func address(_ bytes: [UInt8], _ kind: Kind) -> String? {
    switch kind {
    case .ipv4: bytes.count == 4 ? bytes.map { "\($0)" }.joined(separator: ".") : nil
    case .ipv6: bytes.count == 16 ? IPv6Text.text(bytes) : nil
    }
  }

  private static func pair(_ number: UInt16) -> [UInt8] { [UInt8(number >> 8), UInt8(number & 0xff)] }
  private static func number(_ bytes: [UInt8], _ at: Int) -> UInt16 { UInt16(bytes[at]) << 8 | UInt16(bytes[at + 1]) }
  private static func lower(_ byte: UInt8) -> UInt8 { (65...90).contains(byte) ? byte + 32 : byte }

  /// - Returns: where the name ends; nil where it does not end within the bytes.
  private static func skipName(_ bytes: [UInt8], _ start: Int) -> Int? {
    var position = start
    while position < bytes.count {
      let length = Int(bytes[position])
      if length == 0 { return position + 1 }
      // A pointer to a name that was there before is the end of this one.
      if length & 0xc0 == 0xc0 { return position + 2 <= bytes.count ? position + 2 : nil }
      guard length < 64 else { return nil }
      position += 1 + length
    }
    return nil
  }
}

/// IPv6 addresses in their one canonical form (RFC 5952).
enum IPv6Text {
  static func text(_ bytes: [UInt8]) -> String {
    let groups = stride(from: 0, to: 16, by: 2).map { Int(bytes[$0]) << 8 | Int(bytes[$0 + 1]) }
    var best = 0..<0
    var start = 0
    while start < 8 {
      var end = start
      while end < 8, groups[end] == 0 { end += 1 }
      if end - start > max(1, best.count) { best = start..<end }
      start = max(end, start + 1)
    }
    func hex(_ range: Range<Int>) -> String { range.map { String(groups[$0], radix: 16) }.joined(separator: ":") }
    return best.isEmpty ? hex(0..<8) : hex(0..<best.lowerBound) + "::" + hex(best.upperBound..<8)
  }
}
