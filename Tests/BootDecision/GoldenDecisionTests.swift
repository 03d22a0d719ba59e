import BootDecision
import DHCP
import Foundation
import NetworkAddress
import Testing

@Suite("Decisions on recorded packets")
struct GoldenDecisionTests {
  static func packet(_ name: String) throws -> DHCPMessage {
    let folder = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    let text = try String(contentsOf: folder.appending(path: "DHCP/Golden/\(name).hex"), encoding: .utf8)
    let digits = text.split(separator: "\n").map { $0.prefix { $0 != "#" } }.joined().compactMap(\.hexDigitValue)
    return try DHCPMessage(stride(from: 0, to: digits.count - 1, by: 2).map { UInt8(digits[$0] << 4 | digits[$0 + 1]) })
  }

  @Test(
    "what firmware really sends is answered with what it can start",
    arguments: [
      ("recorded-ovmf-pxe-discover", .dhcp, "snponly.efi", .binl),
      ("recorded-ovmf-pxe-request-4011", .bootServer, "snponly.efi", nil),
      ("recorded-ipxe-rom-pxe-discover", .dhcp, "http://192.168.77.10:8080/boot.ipxe?mac=52-54-00-aa-00-02", .direct),
      (
        "recorded-ipxe-snponly-pxe-discover", .dhcp, "http://192.168.77.10:8080/boot.ipxe?mac=52-54-00-aa-00-01",
        .direct
      ),
      (
        "recorded-ovmf-http-discover", .dhcp, "http://192.168.77.10:8080/boot/loader/snponly.efi", nil
      ),
    ] as [(String, BootPort, String, OfferStyle?)])
  func answered(name: String, port: BootPort, bootFile: String, style: OfferStyle?) throws {
    let message = try Self.packet(name)
    let facts = try ClientFacts(message, port: port, interface: "lan")
    let policy = BootPolicy(addresses: ["lan": IPv4Address(192, 168, 77, 10)])
    let decision = BootDecision.decide(facts, machine: Facts.machine(), policy: policy)
    #expect(decision.bootFile == bootFile)
    #expect(decision.style == style)
    let reply = try DHCPMessage(#require(try ReplyBuilder.bytes(for: message, decision)))
    #expect(reply.transactionID == message.transactionID)
    #expect(reply.macAddress == message.macAddress)
    #expect(reply.serverIdentifier == IPv4Address(192, 168, 77, 10))
  }

  @Test(
    "a client's request to its DHCP server gets nothing from us",
    arguments: ["recorded-ovmf-pxe-request", "recorded-ipxe-rom-pxe-request", "recorded-ipxe-snponly-pxe-request"])
  func requests(name: String) throws {
    let message = try Self.packet(name)
    #expect(throws: IgnoredRequest.notADiscover) { try ClientFacts(message, port: .dhcp, interface: "lan") }
  }

  @Test("QEMU's empty UUID is known as a placeholder")
  func placeholder() throws {
    let facts = try ClientFacts(Self.packet("recorded-ovmf-pxe-discover"), port: .dhcp, interface: "lan")
    #expect(facts.uuid == nil)
    #expect(facts.hasPlaceholderUUID)
  }
}
