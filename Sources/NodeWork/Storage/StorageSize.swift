/// A size as an operator writes it: `20GiB`, or `+5GiB` for that much more.
public struct StorageSize: Sendable, Hashable {
  public var bytes: UInt64
  /// Whether it is added to what is there.
  public var isMore: Bool

  /// - Throws: for anything but a whole number with `MiB`, `GiB` or `TiB`.
  public init(_ text: String) throws(NodeWorkError) {
    isMore = text.hasPrefix("+")
    let body = isMore ? String(text.dropFirst()) : text
    for (unit, shift) in [("MiB", 20), ("GiB", 30), ("TiB", 40)] where body.hasSuffix(unit) {
      let digits = body.dropLast(unit.count)
      guard digits.utf8.allSatisfy({ (0x30...0x39).contains($0) }), let number = UInt64(digits), number > 0,
        number <= (1 << 60) >> UInt64(shift)
      else { break }
      bytes = number << UInt64(shift)
      return
    }
    throw NodeWorkError(
      .configuration, "“\(text)” is no size", advice: "write 20GiB, or +5GiB for that much more; MiB, GiB or TiB")
  }

  /// What there shall be afterwards, in whole pieces.
  /// - Parameter piece: bytes that sizes are a multiple of, such as a volume group's extents.
  func target(from current: UInt64, piece: UInt64) -> UInt64 {
    let wanted = isMore ? current + bytes : bytes
    return (wanted + piece - 1) / piece * piece
  }
}
