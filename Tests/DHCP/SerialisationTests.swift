import DHCP
import NetworkAddress
import SeededNumbers
import Testing

@Suite("DHCP messages on the wire")
struct SerialisationTests {
  @Test("each field goes to its place, and the rest is padding up to 300 bytes")
  func layout() throws {
    var message = DHCPMessage(operation: .reply, transactionID: 0x1234_5678)
    message.setHardwareAddress(try MACAddress("52:54:00:12:34:56"))
    message.hops = 3
    message.seconds = 4
    message.flags = 0x8000
    message.clientAddress = IPv4Address(192, 0, 2, 1)
    message.yourAddress = IPv4Address(192, 0, 2, 2)
    message.nextServerAddress = IPv4Address(192, 0, 2, 3)
    message.relayAddress = IPv4Address(192, 0, 2, 4)
    message.serverName = Array("boot".utf8)
    message.bootFile = Array("loader.efi".utf8)
    message.messageType = .offer
    var expected = WireBytes.message(
      operation: 2, serverName: Array("boot".utf8), file: Array("loader.efi".utf8), options: [53, 1, 2, 255])
    expected += [UInt8](repeating: 0, count: 300 - expected.count)
    #expect(try message.serialised() == expected)
  }

  @Test("option 82 comes last, whenever it was set")
  func relayInformationLast() throws {
    var message = DHCPMessage(operation: .reply, transactionID: 1)
    message.options[.relayAgentInformation] = [1, 2, 0xAA, 0xBB]
    message.messageType = .offer
    message.serverIdentifier = IPv4Address(192, 0, 2, 1)
    let bytes = try message.serialised()
    #expect(Array(bytes[240..<256]) == [53, 1, 2, 54, 4, 192, 0, 2, 1, 82, 4, 1, 2, 0xAA, 0xBB, 255])
  }

  @Test("a value over 255 bytes is cut into pieces that are whole again on the other side")
  func longOption() throws {
    var message = DHCPMessage(operation: .request, transactionID: 1)
    let value = (0..<600).map { UInt8(truncatingIfNeeded: $0) }
    message.options[.clientIdentifier] = value
    let bytes = try message.serialised()
    #expect(bytes[240...241] == [61, 255])
    #expect(bytes[497...498] == [61, 255])
    #expect(bytes[754...755] == [61, 90])
    #expect(try DHCPMessage(bytes).options[.clientIdentifier] == value)
  }

  @Test("the receiver's limit holds to the byte")
  func limit() throws {
    var message = DHCPMessage(operation: .reply, transactionID: 1)
    message.options[.vendorClass] = [UInt8](repeating: 0x61, count: 200)
    #expect(try message.serialised(maximumLength: 443).count == 443)
    #expect(throws: DHCPError.messageTooLong(length: 443, limit: 442)) { try message.serialised(maximumLength: 442) }
  }

  @Test("what has no place is refused")
  func refusals() {
    var long = DHCPMessage(operation: .reply, transactionID: 1)
    long.bootFile = [UInt8](repeating: 0x61, count: 129)
    #expect(throws: DHCPError.fieldTooLong(field: "the boot file", length: 129, limit: 128)) { try long.serialised() }
    long.bootFile = []
    long.serverName = [UInt8](repeating: 0x61, count: 65)
    #expect(throws: DHCPError.fieldTooLong(field: "the server name", length: 65, limit: 64)) { try long.serialised() }
    for code in [DHCPOptionCode.pad, .overload, .end] {
      var message = DHCPMessage(operation: .reply, transactionID: 1)
      message.options[code] = [1]
      #expect(throws: DHCPError.reservedOption(code: code.rawValue)) { try message.serialised() }
    }
  }

  @Test("any message is the same after a trip over the wire", arguments: UInt64(1)...8)
  func roundTrips(seed: UInt64) throws {
    var generator = SeededGenerator(seed: seed)
    for _ in 0..<100 {
      let message = Self.random(&generator)
      let bytes = try message.serialised()
      #expect(bytes.count >= 300)
      #expect(try DHCPMessage(bytes) == message)
    }
  }

  private static func random(_ generator: inout SeededGenerator) -> DHCPMessage {
    func bytes(_ count: Int, from low: UInt8 = 0) -> [UInt8] {
      (0..<count).map { _ in UInt8.random(in: low...255, using: &generator) }
    }
    var message = DHCPMessage(
      operation: Bool.random(using: &generator) ? .request : .reply,
      transactionID: .random(in: 0 ... .max, using: &generator))
    message.hardwareType = .random(in: 0...255, using: &generator)
    message.hardwareAddressLength = .random(in: 0...16, using: &generator)
    message.hops = .random(in: 0...255, using: &generator)
    message.seconds = .random(in: 0 ... .max, using: &generator)
    message.flags = .random(in: 0 ... .max, using: &generator)
    message.clientAddress = IPv4Address(.random(in: 0 ... .max, using: &generator))
    message.yourAddress = IPv4Address(.random(in: 0 ... .max, using: &generator))
    message.nextServerAddress = IPv4Address(.random(in: 0 ... .max, using: &generator))
    message.relayAddress = IPv4Address(.random(in: 0 ... .max, using: &generator))
    message.hardwareAddressField = bytes(16)
    message.serverName = bytes(.random(in: 0...64, using: &generator), from: 1)
    message.bootFile = bytes(.random(in: 0...128, using: &generator), from: 1)
    for _ in 0..<Int.random(in: 0...12, using: &generator) {
      let code = DHCPOptionCode(rawValue: .random(in: 1...254, using: &generator))
      // 82 moves to the end, which the comparison of whole messages would see.
      guard !code.isFraming, code != .relayAgentInformation else { continue }
      message.options[code] = bytes(.random(in: 0...700, using: &generator))
    }
    return message
  }
}
