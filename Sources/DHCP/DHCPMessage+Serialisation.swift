import NetworkAddress

extension DHCPMessage {
  /// RFC 1542, 2.1: shorter messages may be discarded. OpenBSD's dhcrelay does (opnsense/core issue 7744).
  public static let minimumSerialisedLength = 300
  /// What every client takes: 576 bytes of IP datagram without the IP and UDP headers (RFC 2131, 2).
  public static let defaultMaximumLength = 548

  /// The UDP payload: padded to at least 300 bytes, option 82 last (RFC 3046, 2.2), values over 255 bytes in pieces
  /// (RFC 3396), never overloaded.
  /// - Parameter maximumLength: the bytes that the receiver takes.
  public func serialised(maximumLength: Int = DHCPMessage.maximumParsedLength) throws(DHCPError) -> [UInt8] {
    guard hardwareAddressLength <= 16 else { throw .hardwareAddressTooLong(hardwareAddressLength) }
    try Self.check(hardwareAddressField, field: "the hardware address", limit: 16)
    try Self.check(serverName, field: "the server name", limit: 64)
    try Self.check(bootFile, field: "the boot file", limit: 128)

    var bytes: [UInt8] = []
    bytes.reserveCapacity(600)
    bytes += [operation.rawValue, hardwareType, hardwareAddressLength, hops]
    Self.append(transactionID, to: &bytes)
    Self.append(UInt32(seconds) << 16 | UInt32(flags), to: &bytes)
    for address in [clientAddress, yourAddress, nextServerAddress, relayAddress] {
      Self.append(address.value, to: &bytes)
    }
    Self.append(hardwareAddressField, padding: 16, to: &bytes)
    Self.append(serverName, padding: 64, to: &bytes)
    Self.append(bootFile, padding: 128, to: &bytes)
    Self.append(Self.magicCookie, to: &bytes)

    var relayAgentInformation: DHCPOption?
    for option in options {
      guard !option.code.isFraming else { throw .reservedOption(code: option.code.rawValue) }
      if option.code == .relayAgentInformation {
        relayAgentInformation = option
      } else {
        Self.append(option, to: &bytes)
      }
    }
    if let relayAgentInformation { Self.append(relayAgentInformation, to: &bytes) }
    bytes.append(DHCPOptionCode.end.rawValue)
    if bytes.count < Self.minimumSerialisedLength {
      bytes.append(contentsOf: repeatElement(0, count: Self.minimumSerialisedLength - bytes.count))
    }
    guard bytes.count <= maximumLength else { throw .messageTooLong(length: bytes.count, limit: maximumLength) }
    return bytes
  }

  private static func check(_ value: [UInt8], field: String, limit: Int) throws(DHCPError) {
    guard value.count <= limit else { throw .fieldTooLong(field: field, length: value.count, limit: limit) }
  }

  private static func append(_ word: UInt32, to bytes: inout [UInt8]) {
    bytes.append(UInt8(truncatingIfNeeded: word >> 24))
    bytes.append(UInt8(truncatingIfNeeded: word >> 16))
    bytes.append(UInt8(truncatingIfNeeded: word >> 8))
    bytes.append(UInt8(truncatingIfNeeded: word))
  }

  private static func append(_ value: [UInt8], padding length: Int, to bytes: inout [UInt8]) {
    bytes.append(contentsOf: value)
    bytes.append(contentsOf: repeatElement(0, count: length - value.count))
  }

  private static func append(_ option: DHCPOption, to bytes: inout [UInt8]) {
    var rest = option.value[...]
    repeat {
      let piece = rest.prefix(255)
      bytes.append(option.code.rawValue)
      bytes.append(UInt8(truncatingIfNeeded: piece.count))
      bytes.append(contentsOf: piece)
      rest = rest.dropFirst(piece.count)
    } while !rest.isEmpty
  }
}
