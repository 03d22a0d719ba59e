import DHCP
import NetworkAddress
import Testing

@Suite("DHCP options")
struct OptionTests {
  static func message(_ code: DHCPOptionCode, _ value: [UInt8]?) -> DHCPMessage {
    var message = DHCPMessage(operation: .request, transactionID: 1)
    message.options[code] = value
    return message
  }

  @Test(
    "the message type is one byte with a known value",
    arguments: [
      (nil, nil), ([], nil), ([1], .discover), ([3], .request), ([8], .inform), ([0], nil), ([10], nil), ([1, 1], nil),
    ] as [([UInt8]?, DHCPMessageType?)])
  func messageType(value: [UInt8]?, expected: DHCPMessageType?) {
    #expect(Self.message(.messageType, value).messageType == expected)
  }

  @Test(
    "user classes are counted strings, or one string as iPXE sends it",
    arguments: [
      ([], []),
      (Array("iPXE".utf8), ["iPXE"]),
      ([4] + Array("iPXE".utf8), ["iPXE"]),
      ([4] + Array("iPXE".utf8) + [2] + Array("ab".utf8), ["iPXE", "ab"]),
      ([0], ["\u{0}"]),
      ([1, 0x61, 0], ["\u{1}a\u{0}"]),
      ([2, 0x61], ["\u{2}a"]),
    ] as [([UInt8], [String])])
  func userClasses(value: [UInt8], expected: [String]) {
    #expect(Self.message(.userClass, value).userClasses == expected.map { Array($0.utf8) })
  }

  @Test("a user class of any length is read", arguments: [1, 255])
  func longUserClasses(length: Int) {
    #expect(!Self.message(.userClass, [UInt8](repeating: 0xFF, count: length)).userClasses.isEmpty)
  }

  @Test(
    "architectures are 16-bit words, any number of them",
    arguments: [
      (nil, []), ([], []), ([7], []), ([0, 7], [7]), ([0, 7, 0, 0x10], [7, 0x10]), ([0, 7, 0], []), ([1, 0], [256]),
    ] as [([UInt8]?, [UInt16])])
  func architectures(value: [UInt8]?, expected: [UInt16]) {
    #expect(Self.message(.clientArchitecture, value).clientArchitectures.map(\.rawValue) == expected)
  }

  @Test("the machine's UUID has its first three fields in little-endian order")
  func machineUUID() throws {
    let wire: [UInt8] = [0x4C, 0x4C, 0x45, 0x44, 0, 0x51, 0x10, 0x35, 0x80, 0x52, 0xB4, 0xC0, 0x4F, 0x4E, 0x4E, 0x32]
    let expected = try SystemUUID("44454c4c-5100-3510-8052-b4c04f4e4e32")
    #expect(Self.message(.machineIdentifier, [0] + wire).machineIdentifier == .uuid(expected))
  }

  @Test("a UUID that no maker programmed is a placeholder", arguments: [UInt8(0), 0xFF])
  func placeholderUUID(byte: UInt8) throws {
    let value = [UInt8](repeating: byte, count: 16)
    let uuid = try #require(SystemUUID(wireBytes: value))
    #expect(Self.message(.machineIdentifier, [0] + value).machineIdentifier == .placeholder(uuid))
  }

  @Test(
    "a machine identifier of another length or type is malformed, an empty one absent", arguments: [0, 1, 16, 18, 255])
  func machineIdentifierLengths(length: Int) {
    let identifier = Self.message(.machineIdentifier, [UInt8](repeating: 0, count: length)).machineIdentifier
    #expect(identifier == (length == 0 ? .absent : .malformed(length: length)))
  }

  @Test("a machine identifier of another type is malformed")
  func machineIdentifierType() {
    #expect(Self.message(.machineIdentifier, Array(1...17)).machineIdentifier == .malformed(length: 17))
  }

  @Test(
    "the largest message is at least the legal minimum",
    arguments: [
      (nil, nil), ([5, 0xC0], 1472), ([2, 0x40], 576), ([2, 0x3F], nil), ([0, 0], nil), ([5], nil),
      ([5, 0xC0, 0], nil),
    ] as [([UInt8]?, UInt16?)])
  func maximumMessageSize(value: [UInt8]?, expected: UInt16?) {
    #expect(Self.message(.maximumMessageSize, value).maximumMessageSize == expected)
  }

  @Test("options of a wrong length are as good as missing", arguments: [0, 1, 2, 5, 255])
  func wrongLengths(length: Int) {
    let value = [UInt8](repeating: 1, count: length)
    #expect(Self.message(.serverIdentifier, value).serverIdentifier == nil)
    #expect(Self.message(.requestedAddress, value).requestedAddress == nil)
    #expect(Self.message(.clientNetworkInterface, value).clientNetworkInterface == nil)
    #expect((Self.message(.clientIdentifier, value).clientIdentifier == nil) == (length < 2))
  }

  @Test("the network interface's version has three bytes")
  func networkInterface() {
    let interface = Self.message(.clientNetworkInterface, [1, 3, 16]).clientNetworkInterface
    #expect(interface?.type == 1)
    #expect(interface?.major == 3)
    #expect(interface?.minor == 16)
  }

  @Test(
    "the vendor class tells PXE from HTTP boot, and the architecture where it is there",
    arguments: [
      ("PXEClient:Arch:00007:UNDI:003000", true, false, 7), ("PXEClient", true, false, nil),
      ("HTTPClient:Arch:00016:UNDI:003000", false, true, 16), ("HTTPClient", false, true, nil),
      ("pxeclient", false, false, nil), ("MSFT 5.0", false, false, nil), ("", false, false, nil),
      ("PXEClient:Arch:0007:UNDI", true, false, nil), ("PXEClient:Arch:00a07", true, false, nil),
      ("PXEClient:Arch:99999", true, false, nil), ("PXEClient:Arch:", true, false, nil),
    ] as [(String, Bool, Bool, UInt16?)])
  func vendorClass(text: String, isPXE: Bool, isHTTP: Bool, architecture: UInt16?) throws {
    let vendorClass = try #require(Self.message(.vendorClass, Array(text.utf8)).vendorClass)
    #expect(vendorClass.isPXE == isPXE)
    #expect(vendorClass.isHTTP == isHTTP)
    #expect(vendorClass.architecture?.rawValue == architecture)
  }

  @Test(
    "a hostile vendor class is shown escaped",
    arguments: [
      ("a\u{0}b", #"a\x00b"#), ("a\nb\u{1B}[31m", #"a\x0ab\x1b[31m"#), ("$(id)'; DROP", "$(id)'; DROP"),
      ("\u{202E}x", #"\xe2\x80\xaex"#), (#"\"#, #"\\"#),
    ])
  func escapedVendorClass(text: String, expected: String) {
    #expect(VendorClass(Array(text.utf8)).description == expected)
  }

  @Test("a long vendor class is shown in part")
  func longVendorClass() {
    #expect(VendorClass([UInt8](repeating: 0x61, count: 255)).description.utf8.count == 64)
  }
}
