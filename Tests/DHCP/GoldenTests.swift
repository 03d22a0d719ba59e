import DHCP
import SeededNumbers
import Testing

@Suite("Packets of real clients")
struct GoldenTests {
  @Test("there are packets to test with")
  func exist() { #expect(GoldenPacket.all.count >= 5) }

  @Test("each is read, and says the same after a trip over the wire", arguments: GoldenPacket.all)
  func roundTrip(packet: GoldenPacket) throws {
    let message = try DHCPMessage(packet.bytes)
    #expect(message.messageType != nil)
    #expect(message.macAddress != nil)
    #expect(Self.comparable(try DHCPMessage(message.serialised())) == Self.comparable(message))
  }

  @Test("cut at any byte, each gives a value or a refusal of the right kind", arguments: GoldenPacket.all)
  func truncation(packet: GoldenPacket) {
    for length in 0..<packet.bytes.count {
      let cut = Array(packet.bytes.prefix(length))
      if length < 240 {
        #expect(throws: DHCPError.tooShort(length: length)) { try DHCPMessage(cut) }
      } else {
        Self.expectValueOrRefusal(cut)
      }
    }
  }

  @Test("an option's length of 0, 1, 255 or one too many never breaks the reader", arguments: GoldenPacket.all)
  func optionLengths(packet: GoldenPacket) {
    var offset = 240
    while offset + 1 < packet.bytes.count, packet.bytes[offset] != 255 {
      if packet.bytes[offset] == 0 {
        offset += 1
        continue
      }
      let rest = packet.bytes.count - offset - 2
      for length in [0, 1, 255, rest + 1] where length <= 255 {
        var bytes = packet.bytes
        bytes[offset + 1] = UInt8(length)
        Self.expectValueOrRefusal(bytes)
        if length > rest {
          #expect(throws: DHCPError.self) { try DHCPMessage(bytes) }
        }
      }
      offset += 2 + Int(packet.bytes[offset + 1])
    }
  }

  @Test("random damage gives a value that survives the trip, or a refusal", arguments: GoldenPacket.all)
  func mutations(packet: GoldenPacket) {
    var generator = SeededGenerator(seed: 4711)
    for _ in 0..<2000 {
      var bytes = packet.bytes
      for _ in 0..<Int.random(in: 1...6, using: &generator) {
        guard let index = bytes.indices.randomElement(using: &generator) else { break }
        switch Int.random(in: 0..<4, using: &generator) {
        case 0: bytes[index] = .random(in: 0...255, using: &generator)
        case 1: bytes.remove(at: index)
        case 2: bytes.insert(.random(in: 0...255, using: &generator), at: index)
        default: bytes.append(contentsOf: bytes[index...])
        }
        if bytes.count > 3000 { bytes.removeLast(bytes.count - 3000) }
      }
      Self.expectValueOrRefusal(bytes)
    }
  }

  /// Whatever is read can be written, and is the same then.
  private static func expectValueOrRefusal(_ bytes: [UInt8]) {
    guard let message = try? DHCPMessage(bytes) else { return }
    _ = (message.vendorClass, message.userClasses, message.clientArchitectures, message.machineIdentifier)
    _ = message.options[.vendorSpecific].map { try? PXEVendorOptions($0) }
    _ = message.iPXEOptions
    let again = try? DHCPMessage(message.serialised())
    #expect(again.map(comparable) == comparable(message))
  }

  /// Writing moves option 82 to the end.
  private static func comparable(_ message: DHCPMessage) -> DHCPMessage {
    var message = message
    let relayInformation = message.options[.relayAgentInformation]
    message.options[.relayAgentInformation] = nil
    message.options[.relayAgentInformation] = relayInformation
    return message
  }
}
