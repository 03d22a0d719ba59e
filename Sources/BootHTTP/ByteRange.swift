/// What a `Range` header asks of a file (RFC 9110, section 14).
enum ByteRange: Equatable {
  case whole
  case part(Range<Int>)
  case unsatisfiable

  /// Several ranges, other units and malformed values are answered with the whole file, as RFC 9110 allows.
  static func parse(_ header: String?, size: Int, ifRange: String? = nil, tag: String = "") -> ByteRange {
    guard let header, header.utf8.count < 128, header.hasPrefix("bytes=") else { return .whole }
    if let ifRange, ifRange != "\"\(tag)\"" { return .whole }
    let bounds = header.dropFirst("bytes=".count).split(separator: "-", omittingEmptySubsequences: false)
    guard bounds.count == 2, bounds.allSatisfy({ $0.utf8.allSatisfy(isDigit) }) else { return .whole }
    switch (Int(bounds[0]), Int(bounds[1])) {
    case (nil, let suffix?) where bounds[0].isEmpty:
      return suffix == 0 || size == 0 ? .unsatisfiable : .part(max(0, size - suffix)..<size)
    case (let first?, nil) where bounds[1].isEmpty:
      return first < size ? .part(first..<size) : .unsatisfiable
    case (let first?, let last?):
      if last < first { return .whole }
      return first < size ? .part(first..<min(size, last &+ 1 > 0 ? last + 1 : size)) : .unsatisfiable
    default: return .whole
    }
  }

  private static func isDigit(_ byte: UInt8) -> Bool { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) }
}
