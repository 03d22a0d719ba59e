import DHCP
import NetworkAddress
import Testing

@Suite("DHCP messages")
struct DHCPMessageTests {
  @Test("a message of header and cookie only is read")
  func minimal() throws {
    var bytes = [UInt8](repeating: 0, count: 240)
    bytes[0] = 1
    bytes[236...] = [0x63, 0x82, 0x53, 0x63]
    let message = try DHCPMessage(bytes)
    #expect(message.options.isEmpty)
    #expect(message.messageType == nil)
  }
}
