import NetworkAddress

extension PXEVendorOptions {
  /// The value of option 43, closed by the end marker that PXE asks for.
  /// - Throws: ``DHCPError/invalidVendorOption(code:reason:)`` where a sub-option does not fit its length byte, and
  ///   ``DHCPError/fieldTooLong(field:length:limit:)`` where the whole exceeds one option.
  public func serialised() throws(DHCPError) -> [UInt8] {
    var bytes: [UInt8] = []
    if let discoveryControl { try Self.append(6, [discoveryControl.rawValue], to: &bytes) }
    if let multicastAddress { try Self.append(7, multicastAddress.bytes, to: &bytes) }
    if !bootServers.isEmpty { try Self.append(8, serialisedBootServers(), to: &bytes) }
    if !menu.isEmpty { try Self.append(9, serialisedMenu(), to: &bytes) }
    if let prompt { try Self.append(10, [prompt.timeout] + prompt.text, to: &bytes) }
    if let bootItem {
      try Self.append(71, Self.bytes(of: bootItem.type) + Self.bytes(of: bootItem.layer), to: &bytes)
    }
    for option in others {
      guard option.code != .pad, option.code != .end else { throw .reservedOption(code: option.code.rawValue) }
      try Self.append(option.code.rawValue, option.value, to: &bytes)
    }
    bytes.append(DHCPOptionCode.end.rawValue)
    guard bytes.count <= 255 else { throw .fieldTooLong(field: "option 43", length: bytes.count, limit: 255) }
    return bytes
  }

  private func serialisedBootServers() throws(DHCPError) -> [UInt8] {
    var bytes: [UInt8] = []
    for server in bootServers {
      guard let count = UInt8(exactly: server.addresses.count) else {
        throw .invalidVendorOption(code: 8, reason: "\(server.addresses.count) addresses for one type, at most 255 fit")
      }
      bytes += Self.bytes(of: server.type) + [count]
      for address in server.addresses { bytes += address.bytes }
    }
    return bytes
  }

  private func serialisedMenu() throws(DHCPError) -> [UInt8] {
    var bytes: [UInt8] = []
    for entry in menu {
      guard let length = UInt8(exactly: entry.text.count) else {
        throw .invalidVendorOption(code: 9, reason: "an entry's text has \(entry.text.count) bytes, at most 255 fit")
      }
      bytes += Self.bytes(of: entry.type) + [length] + entry.text
    }
    return bytes
  }

  private static func bytes(of word: UInt16) -> [UInt8] {
    [UInt8(truncatingIfNeeded: word >> 8), UInt8(truncatingIfNeeded: word)]
  }

  private static func append(_ code: UInt8, _ value: [UInt8], to bytes: inout [UInt8]) throws(DHCPError) {
    guard let length = UInt8(exactly: value.count) else {
      throw .invalidVendorOption(code: code, reason: "has \(value.count) bytes, at most 255 fit")
    }
    bytes += [code, length] + value
  }
}
