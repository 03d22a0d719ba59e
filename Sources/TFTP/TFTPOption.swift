/// One option of a request or of an option acknowledgement (RFC 2347), as it stands on the wire.
public struct TFTPOption: Hashable, Sendable {
  public var name: [UInt8]
  public var value: [UInt8]

  public init(name: [UInt8], value: [UInt8]) {
    self.name = name
    self.value = value
  }

  public init(_ name: String, _ value: String) {
    self.init(name: Array(name.utf8), value: Array(value.utf8))
  }

  /// The option that is meant, in any case of letters; nil for one that this server does not know.
  public var kind: Kind? { Kind(rawValue: String(decoding: name, as: UTF8.self).lowercased()) }

  /// The value as a decimal number of at most 19 ASCII digits; nil for a sign, a space or any other byte.
  public var number: Int? {
    guard (1...19).contains(value.count), value.allSatisfy({ (0x30...0x39).contains($0) }) else { return nil }
    return Int(String(decoding: value, as: UTF8.self))
  }

  public enum Kind: String, Sendable, CaseIterable {
    /// RFC 2348
    case blockSize = "blksize"
    /// RFC 2349
    case timeout
    /// RFC 2349
    case transferSize = "tsize"
    /// RFC 7440
    case windowSize = "windowsize"
  }

  /// Pairs of zero-terminated strings, up to the first that is cut off, or has no name.
  static func list(_ bytes: ArraySlice<UInt8>) -> [TFTPOption] {
    var rest = bytes
    var options: [TFTPOption] = []
    while let name = TFTPRequest.takeString(&rest), !name.isEmpty, let value = TFTPRequest.takeString(&rest) {
      options.append(TFTPOption(name: Array(name), value: Array(value)))
    }
    return options
  }

  var bytes: [UInt8] { name + [0] + value + [0] }
}
