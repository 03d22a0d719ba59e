import BootDecision
import DHCP
import NetworkAddress
import Testing

@Suite("Other servers on the network")
struct ForeignServerTests {
  static func offer(_ change: (inout DHCPMessage) -> Void) -> DHCPMessage {
    var message = DHCPMessage(operation: .reply, transactionID: 1)
    message.messageType = .offer
    message.serverIdentifier = IPv4Address(192, 168, 1, 1)
    message.yourAddress = IPv4Address(192, 168, 1, 50)
    change(&message)
    return message
  }

  @Test("a plain DHCP server disturbs nothing")
  func plain() throws {
    let server = try #require(ForeignServer(Self.offer { _ in }, interface: "lan"))
    #expect(server.findings.isEmpty)
    #expect(server.assignsAddresses)
    #expect(server.address == IPv4Address(192, 168, 1, 1))
    #expect(server.bootFile == nil)
  }

  @Test("option 60 without option 43 is what breaks UEFI machines")
  func vendorClass() throws {
    let alone = Self.offer { $0.options[.vendorClass] = Array("PXEClient".utf8) }
    #expect(ForeignServer(alone, interface: "lan")?.findings == [.claimsPXEWithoutVendorOptions])
    let both = Self.offer {
      $0.options[.vendorClass] = Array("PXEClient".utf8)
      $0.options[.vendorSpecific] = [6, 1, 8, 255]
    }
    #expect(ForeignServer(both, interface: "lan")?.findings == [])
  }

  @Test("a boot file of the DHCP server is found in the header and in option 67, and shown escaped")
  func bootFile() {
    let header = ForeignServer(Self.offer { $0.bootFile = Array("pxelinux.0".utf8) }, interface: "lan")
    #expect(header?.findings == [.namesBootFile])
    #expect(header?.bootFile == "pxelinux.0")
    let option = ForeignServer(Self.offer { $0.options[.bootFile] = Array("a\u{1B}b\u{0}".utf8) }, interface: "lan")
    #expect(option?.bootFile == #"a\x1bb"#)
  }

  @Test("an offer without an address, of a boot class, is another boot server")
  func proxy() {
    let server = ForeignServer(
      Self.offer {
        $0.yourAddress = .any
        $0.nextServerAddress = IPv4Address(192, 168, 1, 9)
        $0.options[.vendorClass] = Array("HTTPClient".utf8)
      }, interface: "lan")
    #expect(server?.findings == [.offersBoot])
    #expect(server?.assignsAddresses == false)
    #expect(server?.nextServer == IPv4Address(192, 168, 1, 9))
  }

  @Test("requests, other types and replies without a server are no servers")
  func others() {
    #expect(ForeignServer(Self.offer { $0.operation = .request }, interface: "lan") == nil)
    #expect(ForeignServer(Self.offer { $0.messageType = .negativeAcknowledgement }, interface: "lan") == nil)
    #expect(ForeignServer(Self.offer { $0.serverIdentifier = nil }, interface: "lan") == nil)
    #expect(ForeignServer(Self.offer { $0.serverIdentifier = .broadcast }, interface: "lan") == nil)
  }
}
