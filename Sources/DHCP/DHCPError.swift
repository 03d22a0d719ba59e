/// Why bytes are not a DHCP message, or why a message has no wire form.
public enum DHCPError: Error, Equatable, Sendable, CustomStringConvertible {
  /// Less than the 236 byte header and the magic cookie.
  case tooShort(length: Int)
  /// More than one UDP datagram over IPv4 carries.
  case tooLong(length: Int)
  /// The first byte is neither 1 (request) nor 2 (reply).
  case unknownOperation(UInt8)
  /// `hlen` is more than the 16 bytes of `chaddr`.
  case hardwareAddressTooLong(UInt8)
  /// The four bytes at offset 236 are not 63 82 53 63.
  case wrongMagicCookie(UInt32)
  /// The area ends after an option's code.
  case optionWithoutLength(code: UInt8, area: DHCPOptionArea, offset: Int)
  /// An option says that it is longer than what is left of its area.
  case optionOverrun(code: UInt8, area: DHCPOptionArea, offset: Int, length: Int, available: Int)
  /// Option 52 is not one byte of value 1, 2 or 3.
  case invalidOverload([UInt8])
  /// A PXE vendor sub-option (in option 43) is damaged.
  case invalidVendorOption(code: UInt8, reason: String)
  /// Codes 0, 52 and 255 are framing; a message does not carry them as options of its own.
  case reservedOption(code: UInt8)
  /// A fixed field has no room for the value.
  case fieldTooLong(field: String, length: Int, limit: Int)
  /// The message does not fit into the size that the receiver takes.
  case messageTooLong(length: Int, limit: Int)

  public var description: String {
    switch self {
    case .tooShort(let length):
      "a DHCP message has at least \(DHCPMessage.minimumParsedLength) bytes, this one has \(length)"
    case .tooLong(let length):
      "a DHCP message has at most \(DHCPMessage.maximumParsedLength) bytes, this one has \(length)"
    case .unknownOperation(let value):
      "the operation at offset 0 is \(value), not 1 (request) or 2 (reply)"
    case .hardwareAddressTooLong(let length):
      "the hardware address length at offset 2 is \(length), more than 16"
    case .wrongMagicCookie(let value):
      "the magic cookie at offset 236 is 0x\(String(value, radix: 16)), not 0x63825363"
    case .optionWithoutLength(let code, let area, let offset):
      "option \(code) at offset \(offset) of the \(area.rawValue) area has no length byte"
    case .optionOverrun(let code, let area, let offset, let length, let available):
      "option \(code) at offset \(offset) of the \(area.rawValue) area says \(length) bytes, \(available) are left"
    case .invalidOverload(let value):
      "option 52 (overload) has to be one byte of 1, 2 or 3, it is \(value.prefix(8))"
    case .invalidVendorOption(let code, let reason):
      "PXE vendor option \(code): \(reason)"
    case .reservedOption(let code):
      "option \(code) is part of the message's framing and can not be set"
    case .fieldTooLong(let field, let length, let limit):
      "\(field) has \(length) bytes, there is room for \(limit)"
    case .messageTooLong(let length, let limit):
      "the message has \(length) bytes, the receiver takes \(limit)"
    }
  }
}

/// Where in a message options can stand (RFC 2132, 9.3).
public enum DHCPOptionArea: String, Sendable {
  case options
  case file
  case serverName = "server name"
}
