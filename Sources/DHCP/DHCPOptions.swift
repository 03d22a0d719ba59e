/// One option with its whole value.
public struct DHCPOption: Hashable, Sendable {
  public let code: DHCPOptionCode
  /// Of any length; more than 255 bytes travel in several pieces (RFC 3396).
  public var value: [UInt8]

  public init(_ code: DHCPOptionCode, _ value: [UInt8]) {
    self.code = code
    self.value = value
  }
}

/// The options of a message in the order of their first appearance, each code once.
public struct DHCPOptions: Hashable, Sendable, RandomAccessCollection {
  private var list: [DHCPOption]

  public init() { list = [] }

  public var startIndex: Int { list.startIndex }
  public var endIndex: Int { list.endIndex }
  public subscript(position: Int) -> DHCPOption { list[position] }

  /// The value of an option. Setting replaces it in its place, or adds it at the end; nil removes it.
  public subscript(code: DHCPOptionCode) -> [UInt8]? {
    get {
      for option in list where option.code == code { return option.value }
      return nil
    }
    set {
      let position = list.firstIndex { $0.code == code }
      switch (position, newValue) {
      case (let position?, let value?): list[position].value = value
      case (let position?, nil): list.remove(at: position)
      case (nil, let value?): list.append(DHCPOption(code, value))
      case (nil, nil): break
      }
    }
  }

  /// Adds to what an option has already: its pieces are one value (RFC 3396, 7).
  mutating func appendPiece(_ code: DHCPOptionCode, _ piece: ArraySlice<UInt8>) {
    if let position = list.firstIndex(where: { $0.code == code }) {
      list[position].value.append(contentsOf: piece)
    } else {
      list.append(DHCPOption(code, Array(piece)))
    }
  }

  /// Reads one area up to its end marker or to its last byte: firmware exists that leaves the marker out.
  mutating func parse(_ bytes: ArraySlice<UInt8>, area: DHCPOptionArea) throws(DHCPError) -> [UInt8]? {
    var overload: [UInt8]?
    var position = bytes.startIndex
    while position < bytes.endIndex {
      let code = DHCPOptionCode(rawValue: bytes[position])
      if code == .end { break }
      if code == .pad {
        position += 1
        continue
      }
      let offset = position - bytes.startIndex
      guard bytes.endIndex - position >= 2 else {
        throw .optionWithoutLength(code: code.rawValue, area: area, offset: offset)
      }
      let length = Int(bytes[position + 1])
      let available = bytes.endIndex - position - 2
      guard length <= available else {
        throw .optionOverrun(
          code: code.rawValue, area: area, offset: offset, length: length, available: available)
      }
      let value = bytes[position + 2..<position + 2 + length]
      if code == .overload {
        overload = (overload ?? []) + value
      } else {
        appendPiece(code, value)
      }
      position += 2 + length
    }
    return overload
  }
}
