import BootDecision
import DHCP
import NetworkAddress
import Testing

@Suite("Replies")
struct ReplyTests {
  static let uri = "http://192.168.1.10:8080/boot/loader/snponly.efi"

  static func offer(_ bootFile: String? = "snponly.efi", _ style: OfferStyle? = .binl) -> BootDecision {
    BootDecision(verdict: .offer, bootFile: bootFile, serverAddress: Facts.appliance, style: style)
  }

  static func acknowledgement() -> BootDecision {
    BootDecision(verdict: .acknowledge, bootFile: "snponly.efi", serverAddress: Facts.appliance)
  }

  static func reply(_ request: DHCPMessage, _ decision: BootDecision) throws -> DHCPMessage {
    let bytes = try #require(try ReplyBuilder.bytes(for: request, decision))
    #expect(bytes.count >= 300)
    return try DHCPMessage(bytes)
  }

  @Test("an offer, field by field")
  func offer() throws {
    let request = Facts.discover()
    let reply = try Self.reply(request, Self.offer())
    #expect(reply.operation == .reply)
    #expect(reply.hardwareType == 1)
    #expect(reply.hardwareAddressLength == 6)
    #expect(reply.hops == 0)
    #expect(reply.transactionID == 0x1234_5678)
    #expect(reply.seconds == 0)
    #expect(reply.flags == 0x8000)
    #expect(reply.clientAddress == .any)
    #expect(reply.yourAddress == .any)
    #expect(reply.nextServerAddress == Facts.appliance)
    #expect(reply.relayAddress == .any)
    #expect(reply.hardwareAddressField == request.hardwareAddressField)
    #expect(reply.serverName == Array("192.168.1.10".utf8))
    #expect(reply.bootFile == Array("snponly.efi".utf8))
    #expect(reply.messageType == .offer)
    #expect(reply.serverIdentifier == Facts.appliance)
    #expect(reply.options[.vendorClass] == Array("PXEClient".utf8))
    #expect(reply.options[.machineIdentifier] == [0] + Array(1...16))
    #expect(reply.options[.vendorSpecific] == nil)
    #expect(reply.options.map(\.code.rawValue).sorted() == [53, 54, 60, 97])
  }

  @Test("an offer is to the byte what the wire needs")
  func offerBytes() throws {
    let bytes = try #require(try ReplyBuilder.bytes(for: Facts.discover(), Self.offer("snponly.efi", .direct)))
    var expected: [UInt8] = [2, 1, 6, 0, 0x12, 0x34, 0x56, 0x78, 0, 0, 0x80, 0]
    expected += [0, 0, 0, 0, 0, 0, 0, 0, 192, 168, 1, 10, 0, 0, 0, 0]
    expected += [0x52, 0x54, 0x00, 0x12, 0x34, 0x56] + [UInt8](repeating: 0, count: 10)
    expected += Array("192.168.1.10".utf8) + [UInt8](repeating: 0, count: 64 - 12)
    expected += Array("snponly.efi".utf8) + [UInt8](repeating: 0, count: 128 - 11)
    expected += [0x63, 0x82, 0x53, 0x63, 53, 1, 2, 54, 4, 192, 168, 1, 10, 60, 9] + Array("PXEClient".utf8)
    expected += [43, 10, 6, 1, 8, 10, 4, 0, 0x50, 0x58, 0x45, 255, 97, 17, 0] + Array(1...16)
    expected += [255]
    #expect(Array(bytes.prefix(expected.count)) == expected)
    #expect(bytes.dropFirst(expected.count).allSatisfy { $0 == 0 })
  }

  @Test("option 43 follows the style")
  func styles() throws {
    let request = Facts.discover()
    #expect(try Self.reply(request, Self.offer("a", .binl)).options[.vendorSpecific] == nil)
    let menu = try Self.reply(request, Self.offer(nil, .menu))
    #expect(menu.bootFile.isEmpty)
    let options = try PXEVendorOptions(#require(menu.options[.vendorSpecific]))
    #expect(options.discoveryControl == [.noBroadcast, .noMulticast, .onlyListedServers])
    #expect(options.menu.count == 2)
    #expect(options.menu.map(\.type) == options.bootServers.map(\.type))
    #expect(options.bootServers.allSatisfy { $0.addresses == [Facts.appliance] })
    #expect(options.prompt?.timeout == 0)
  }

  @Test("the broadcast flag is set, even where the client did not ask for it")
  func broadcastFlag() throws {
    var request = Facts.discover()
    request.flags = 0
    #expect(try Self.reply(request, Self.offer()).flags == 0x8000)
  }

  @Test("HTTP boot gets its own class and a terminated option 67")
  func httpBoot() throws {
    let request = Facts.discover("HTTPClient:Arch:00016:UNDI:003000", architecture: 16)
    let reply = try Self.reply(request, Self.offer(Self.uri, nil))
    #expect(reply.options[.vendorClass] == Array("HTTPClient".utf8))
    #expect(reply.options[.bootFile] == Array(Self.uri.utf8) + [0])
    #expect(reply.bootFile == Array(Self.uri.utf8))
    #expect(reply.options[.vendorSpecific] == nil)
  }

  @Test("the UUID is given back only where a whole one came", arguments: [0, 1, 16, 18, 255])
  func machineIdentifier(length: Int) throws {
    var request = Facts.discover()
    request.options[.machineIdentifier] = [UInt8](repeating: 0, count: length)
    #expect(try Self.reply(request, Self.offer()).options[.machineIdentifier] == nil)
    request.options[.machineIdentifier] = nil
    #expect(try Self.reply(request, Self.offer()).options[.machineIdentifier] == nil)
  }

  @Test("a placeholder UUID is given back to the byte")
  func placeholderIdentifier() throws {
    var request = Facts.discover()
    request.options[.machineIdentifier] = [UInt8](repeating: 0, count: 17)
    #expect(try Self.reply(request, Self.offer()).options[.machineIdentifier] == [UInt8](repeating: 0, count: 17))
  }

  @Test("through a relay, giaddr, flag and option 82 come back, 82 last")
  func relay() throws {
    var request = Facts.discover()
    request.flags = 0
    request.relayAddress = IPv4Address(10, 0, 0, 1)
    request.options[.relayAgentInformation] = [1, 2, 0xAA, 0xBB]
    request.options[.clientIdentifier] = [1, 2, 3]
    let bytes = try #require(try ReplyBuilder.bytes(for: request, Self.offer()))
    let reply = try DHCPMessage(bytes)
    #expect(reply.relayAddress == IPv4Address(10, 0, 0, 1))
    #expect(reply.flags == 0x8000)
    #expect(reply.options.last == DHCPOption(.relayAgentInformation, [1, 2, 0xAA, 0xBB]))
    #expect(reply.options[.clientIdentifier] == [1, 2, 3])
  }

  @Test(
    "options of no length are never sent",
    arguments: [DHCPOptionCode.relayAgentInformation, .clientIdentifier, .machineIdentifier])
  func emptyOptions(code: DHCPOptionCode) throws {
    var request = Facts.discover()
    request.options[code] = []
    #expect(try Self.reply(request, Self.offer()).options.allSatisfy { !$0.value.isEmpty })
  }

  @Test("an acknowledgement at port 4011 keeps the client's address and names the file")
  func bootServer() throws {
    var request = Facts.discover()
    request.flags = 0
    request.messageType = .request
    request.clientAddress = IPv4Address(192, 168, 1, 50)
    let reply = try Self.reply(request, Self.acknowledgement())
    #expect(reply.messageType == .acknowledgement)
    #expect(reply.clientAddress == IPv4Address(192, 168, 1, 50))
    #expect(reply.yourAddress == .any)
    #expect(reply.nextServerAddress == Facts.appliance)
    #expect(reply.serverIdentifier == Facts.appliance)
    #expect(reply.bootFile == Array("snponly.efi".utf8))
    #expect(reply.options[.vendorSpecific] == nil)
    #expect(reply.flags == 0)
  }

  @Test("an acknowledgement of a menu choice gives the choice back")
  func bootItem() throws {
    var request = Facts.discover()
    request.messageType = .request
    request.clientAddress = IPv4Address(192, 168, 1, 50)
    request.options[.vendorSpecific] = [71, 4, 0x80, 0, 0, 0, 255]
    let reply = try Self.reply(request, Self.acknowledgement())
    #expect(reply.options[.vendorSpecific] == [71, 4, 0x80, 0, 0, 0, 255])
    #expect(reply.yourAddress == IPv4Address(192, 168, 1, 50))
    #expect(reply.clientAddress == .any)
  }

  @Test("silence has no bytes")
  func silence() throws {
    #expect(try ReplyBuilder.bytes(for: Facts.discover(), BootDecision(verdict: .silent)) == nil)
  }

  @Test("a boot file that leaves no room for its NUL is refused")
  func longBootFile() throws {
    let limit = String(repeating: "a", count: 127)
    #expect(try Self.reply(Facts.discover(), Self.offer(limit)).bootFile == Array(limit.utf8))
    #expect(throws: DHCPError.fieldTooLong(field: "the boot file", length: 128, limit: 127)) {
      try ReplyBuilder.bytes(for: Facts.discover(), Self.offer(limit + "a"))
    }
  }

  @Test(
    "a reply fits into what the client takes, without the courtesies if it must be",
    arguments: [nil, 576, 65_280] as [UInt16?])
  func sizes(maximum: UInt16?) throws {
    var request = Facts.discover()
    request.options[.maximumMessageSize] = maximum.map { [UInt8($0 >> 8), UInt8($0 & 255)] }
    request.options[.relayAgentInformation] = [UInt8](repeating: 1, count: 200)
    request.options[.clientIdentifier] = [UInt8](repeating: 1, count: 255)
    let bytes = try #require(try ReplyBuilder.bytes(for: request, Self.offer("snponly.efi", .menu)))
    #expect(bytes.count <= (maximum == 65_280 ? 1472 : 548))
    let reply = try DHCPMessage(bytes)
    #expect(reply.options[.relayAgentInformation]?.count == 200)
    #expect((reply.options[.clientIdentifier] == nil) == (maximum != 65_280))
  }

  @Test("what can not fit at all is refused, not cut")
  func tooLarge() {
    var request = Facts.discover()
    request.options[.maximumMessageSize] = nil
    request.options[.relayAgentInformation] = [UInt8](repeating: 1, count: 400)
    #expect(throws: DHCPError.self) { try ReplyBuilder.bytes(for: request, Self.offer()) }
  }
}
