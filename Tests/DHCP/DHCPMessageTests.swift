import DHCP
import NetworkAddress
import Testing

@Suite("DHCP messages")
struct DHCPMessageTests {
  @Test("every header field is read from its place")
  func header() throws {
    let message = try DHCPMessage(
      WireBytes.message(serverName: Array("boot".utf8), file: Array("loader.efi".utf8), options: [53, 1, 1, 255]))
    #expect(message.operation == .request)
    #expect(message.hardwareType == 1)
    #expect(message.hardwareAddressLength == 6)
    #expect(message.hops == 3)
    #expect(message.transactionID == 0x1234_5678)
    #expect(message.seconds == 4)
    #expect(message.flags == 0x8000)
    #expect(message.clientAddress == IPv4Address(192, 0, 2, 1))
    #expect(message.yourAddress == IPv4Address(192, 0, 2, 2))
    #expect(message.nextServerAddress == IPv4Address(192, 0, 2, 3))
    #expect(message.relayAddress == IPv4Address(192, 0, 2, 4))
    #expect(message.macAddress?.description == "52:54:00:12:34:56")
    #expect(message.serverName == Array("boot".utf8))
    #expect(message.bootFile == Array("loader.efi".utf8))
    #expect(message.messageType == .discover)
  }

  @Test("a message of header and cookie only is read, as BOOTP without a type")
  func minimal() throws {
    let message = try DHCPMessage(WireBytes.message(options: []))
    #expect(message.options.isEmpty)
    #expect(message.messageType == nil)
  }

  static let refusals: [(name: String, bytes: [UInt8], error: DHCPError)] = [
    ("nothing", [], .tooShort(length: 0)),
    ("one byte", [1], .tooShort(length: 1)),
    ("all but one byte", Array(WireBytes.message(options: []).dropLast()), .tooShort(length: 239)),
    (
      "more than a datagram", WireBytes.message(options: [UInt8](repeating: 0, count: 65_508 - 240)),
      .tooLong(length: 65_508)
    ),
    ("operation 0", WireBytes.message(operation: 0), .unknownOperation(0)),
    ("operation 3", WireBytes.message(operation: 3), .unknownOperation(3)),
    ("hlen 17", WireBytes.message(hardwareAddressLength: 17), .hardwareAddressTooLong(17)),
    ("hlen 255", WireBytes.message(hardwareAddressLength: 255), .hardwareAddressTooLong(255)),
    ("cookie 0", WireBytes.message(cookie: [0, 0, 0, 0]), .wrongMagicCookie(0)),
    (
      "RFC 1048 cookie off by one", WireBytes.message(cookie: [0x63, 0x82, 0x53, 0x64]), .wrongMagicCookie(0x6382_5364)
    ),
    (
      "code without length", WireBytes.message(options: [53, 1, 1, 60]),
      .optionWithoutLength(code: 60, area: .options, offset: 3)
    ),
    (
      "length over the end", WireBytes.message(options: [0, 60, 4, 1, 2, 3]),
      .optionOverrun(code: 60, area: .options, offset: 1, length: 4, available: 3)
    ),
    ("overload of no byte", WireBytes.message(options: [52, 0, 255]), .invalidOverload([])),
    ("overload 0", WireBytes.message(options: [52, 1, 0, 255]), .invalidOverload([0])),
    ("overload 4", WireBytes.message(options: [52, 1, 4, 255]), .invalidOverload([4])),
    ("overload twice", WireBytes.message(options: [52, 1, 1, 52, 1, 2, 255]), .invalidOverload([1, 2])),
    (
      "overrun in the file area", WireBytes.message(file: [67, 200], options: [52, 1, 1, 255]),
      .optionOverrun(code: 67, area: .file, offset: 0, length: 200, available: 126)
    ),
    (
      "overrun in the name area", WireBytes.message(serverName: [66, 63], options: [52, 1, 2, 255]),
      .optionOverrun(code: 66, area: .serverName, offset: 0, length: 63, available: 62)
    ),
  ]

  @Test("damage is refused by its name", arguments: refusals.indices)
  func refusal(index: Int) {
    let refusal = Self.refusals[index]
    #expect(throws: refusal.error, "\(refusal.name)") { try DHCPMessage(refusal.bytes) }
  }

  @Test("an error says what was wrong and where")
  func errorTexts() {
    #expect(
      DHCPError.optionOverrun(code: 60, area: .file, offset: 7, length: 9, available: 3).description
        == "option 60 at offset 7 of the file area says 9 bytes, 3 are left")
    #expect(DHCPError.tooShort(length: 12).description.contains("240"))
  }

  @Test("a missing end marker is accepted, padding is skipped, and nothing counts after the end")
  func framing() throws {
    let open = try DHCPMessage(WireBytes.message(options: [0, 0, 53, 1, 3, 0]))
    #expect(open.messageType == .request)
    let closed = try DHCPMessage(WireBytes.message(options: [255, 53, 1, 3, 60]))
    #expect(closed.messageType == nil)
  }

  @Test("options overload file and server name, in that order", arguments: [UInt8(1), 2, 3])
  func overload(areas: UInt8) throws {
    let message = try DHCPMessage(
      WireBytes.message(
        serverName: [60, 2, 0x65, 0x66, 255], file: [60, 2, 0x63, 0x64, 255],
        options: [60, 2, 0x61, 0x62, 52, 1, areas, 255]))
    var expected = "ab"
    if areas & 1 != 0 { expected += "cd" }
    if areas & 2 != 0 { expected += "ef" }
    #expect(message.options[.vendorClass] == Array(expected.utf8))
    #expect(message.bootFile.isEmpty == (areas & 1 != 0))
    #expect(message.serverName.isEmpty == (areas & 2 != 0))
    #expect(message.options[.overload] == nil)
  }

  @Test("overloaded areas may leave out their end markers")
  func overloadWithoutEnd() throws {
    let file = [67, 126] + [UInt8](repeating: 0x66, count: 126)
    let message = try DHCPMessage(
      WireBytes.message(serverName: [66, 1, 0x73], file: file, options: [52, 1, 3]))
    #expect(message.options[.bootFile]?.count == 126)
    #expect(message.options[.serverName] == [0x73])
  }

  @Test("an overload marker inside an overloaded area does nothing")
  func nestedOverload() throws {
    let message = try DHCPMessage(
      WireBytes.message(serverName: [66, 1, 0x73, 255], file: [52, 1, 2, 255], options: [52, 1, 1, 255]))
    #expect(message.options[.serverName] == nil)
    #expect(message.serverName == [66, 1, 0x73, 255])
  }

  @Test("the pieces of a long option are one value, in order and over areas")
  func longOptions() throws {
    let first = [UInt8](repeating: 1, count: 255)
    let message = try DHCPMessage(
      WireBytes.message(
        file: [61, 1, 3, 255], options: [61, 255] + first + [53, 1, 1, 52, 1, 1, 61, 2, 2, 2, 255]))
    #expect(message.options[.clientIdentifier] == first + [2, 2, 3])
    #expect(message.options.map(\.code.rawValue) == [61, 53])
  }

  @Test("an address that is not Ethernet, or no machine's own, is no MAC address")
  func hardwareAddresses() throws {
    #expect(try DHCPMessage(WireBytes.message(hardwareType: 32, hardwareAddressLength: 0)).macAddress == nil)
    #expect(try DHCPMessage(WireBytes.message(hardwareAddressLength: 16)).macAddress == nil)
    for first: UInt8 in [0x01, 0xFF] {
      var bytes = WireBytes.message()
      bytes[28] = first
      #expect(try DHCPMessage(bytes).macAddress == nil)
    }
    var zero = WireBytes.message()
    for index in 28..<34 { zero[index] = 0 }
    #expect(try DHCPMessage(zero).macAddress == nil)
  }
}
