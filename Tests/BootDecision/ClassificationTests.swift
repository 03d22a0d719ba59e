import BootDecision
import DHCP
import NetworkAddress
import Testing

@Suite("What a request says about its client")
struct ClassificationTests {
  static func facts(_ port: BootPort = .dhcp, _ change: (inout DHCPMessage) -> Void) throws(IgnoredRequest)
    -> ClientFacts
  {
    var message = Facts.discover()
    change(&message)
    return try ClientFacts(message, port: port, interface: "lan")
  }

  @Test("firmware's DISCOVER")
  func firmware() throws {
    let facts = try Self.facts { _ in }
    #expect(facts.mac == Facts.mac())
    #expect(facts.kind == .pxe)
    #expect(facts.architectures == [.x64UEFI])
    #expect(facts.uuid == SystemUUID(wireBytes: Array(1...16)))
    #expect(facts.vendorClass == "PXEClient:Arch:00007:UNDI:003000")
    #expect(facts.transactionID == 0x1234_5678)
    #expect(facts.relayAddress == nil)
    #expect(facts.clientAddress == nil)
  }

  @Test("what is none of a boot server's business, by its reason")
  func ignored() {
    #expect(throws: IgnoredRequest.notARequest) { try Self.facts { $0.operation = .reply } }
    #expect(throws: IgnoredRequest.unusableHardwareAddress) { try Self.facts { $0.hardwareType = 32 } }
    #expect(throws: IgnoredRequest.unusableHardwareAddress) { try Self.facts { $0.hardwareAddressLength = 0 } }
    #expect(throws: IgnoredRequest.notNetworkBoot) { try Self.facts { $0.options[.vendorClass] = nil } }
    #expect(throws: IgnoredRequest.notNetworkBoot) {
      try Self.facts { $0.options[.vendorClass] = Array("MSFT 5.0".utf8) }
    }
    #expect(throws: IgnoredRequest.noMessageType) { try Self.facts { $0.messageType = nil } }
  }

  @Test("port 67 takes only DISCOVER", arguments: DHCPMessageType.allCases)
  func typesAtDHCPPort(type: DHCPMessageType) {
    if type == .discover {
      #expect(throws: Never.self) { try Self.facts { $0.messageType = type } }
    } else {
      #expect(throws: IgnoredRequest.notADiscover) { try Self.facts { $0.messageType = type } }
    }
  }

  @Test(
    "port 4011 takes REQUEST and INFORM, which a check for DISCOVER would drop", arguments: DHCPMessageType.allCases)
  func typesAtBootServerPort(type: DHCPMessageType) {
    if type == .request || type == .inform {
      #expect(throws: Never.self) { try Self.facts(.bootServer) { $0.messageType = type } }
    } else {
      #expect(throws: IgnoredRequest.notABootServerRequest) { try Self.facts(.bootServer) { $0.messageType = type } }
    }
  }

  @Test("HTTP boot is known by its class")
  func httpBoot() throws {
    let facts = try Self.facts {
      $0.options[.vendorClass] = Array("HTTPClient:Arch:00016:UNDI:003000".utf8)
      $0.options[.clientArchitecture] = [0, 16]
    }
    #expect(facts.kind == .httpClient)
    #expect(facts.architectures == [.x64HTTP])
  }

  @Test("the architecture comes from option 93, else from the class, else it is BIOS")
  func architectures() throws {
    #expect(try Self.facts { $0.options[.clientArchitecture] = [0, 6, 0, 7] }.architectures == [.ia32UEFI, .x64UEFI])
    #expect(try Self.facts { $0.options[.clientArchitecture] = nil }.architectures == [.x64UEFI])
    #expect(try Self.facts { $0.options[.clientArchitecture] = [7] }.architectures == [.x64UEFI])
    let bare = try Self.facts {
      $0.options[.clientArchitecture] = nil
      $0.options[.vendorClass] = Array("PXEClient".utf8)
    }
    #expect(bare.architectures == [.x86BIOS])
  }

  @Test("a Raspberry Pi that calls itself a BIOS is known by its MAC address")
  func raspberryPi() throws {
    let mac = try MACAddress("dc:a6:32:01:02:03")
    let facts = try Self.facts {
      $0.setHardwareAddress(mac)
      $0.options[.clientArchitecture] = [0, 0]
    }
    #expect(facts.architectures == [.raspberryPi])
  }

  @Test(
    "iPXE is known by user class in either form, by option 175, or by its class",
    arguments: [
      (DHCPOptionCode.userClass, Array("iPXE".utf8), IPXEEvidence.userClass),
      (.userClass, [4] + Array("iPXE".utf8), .userClass),
      (.userClass, [2, 0x61, 0x62, 4] + Array("iPXE".utf8), .userClass),
      (.iPXE, [0x13, 1, 1], .option175),
      (.iPXE, [], .option175),
      (.iPXE, [0x13, 200], .option175),
      (.vendorClass, Array("PXEClient:iPXE".utf8), .vendorClass),
    ] as [(DHCPOptionCode, [UInt8], IPXEEvidence)])
  func iPXE(code: DHCPOptionCode, value: [UInt8], evidence: IPXEEvidence) throws {
    let facts = try Self.facts { $0.options[code] = value }
    #expect(facts.kind == .iPXE)
    #expect(facts.iPXEEvidence == evidence)
  }

  @Test("other user classes do not make an iPXE", arguments: ["ipxe", "iPXE2", "gPXE", ""])
  func otherUserClasses(text: String) throws {
    #expect(try Self.facts { $0.options[.userClass] = Array(text.utf8) }.kind == .pxe)
  }

  @Test("an iPXE that HTTP boot started is an iPXE")
  func iPXEByHTTP() throws {
    let facts = try Self.facts {
      $0.options[.vendorClass] = Array("HTTPClient:Arch:00016".utf8)
      $0.options[.userClass] = Array("iPXE".utf8)
    }
    #expect(facts.kind == .iPXE)
  }

  @Test("UUIDs that say nothing are left out")
  func uuids() throws {
    #expect(try Self.facts { $0.options[.machineIdentifier] = nil }.uuid == nil)
    #expect(try Self.facts { $0.options[.machineIdentifier] = [] }.uuid == nil)
    #expect(try Self.facts { $0.options[.machineIdentifier] = [1] + Array(1...16) }.uuid == nil)
    let placeholder = try Self.facts { $0.options[.machineIdentifier] = [UInt8](repeating: 0, count: 17) }
    #expect(placeholder.uuid == nil)
    #expect(placeholder.hasPlaceholderUUID)
  }

  @Test("the chosen boot server type is read; a damaged option 43 does no harm")
  func bootItem() throws {
    let item = PXEVendorOptions.BootItem(type: 0x8000, layer: 0)
    #expect(try Self.facts { $0.options[.vendorSpecific] = [71, 4, 0x80, 0, 0, 0, 255] }.bootItem == item)
    #expect(try Self.facts { $0.options[.vendorSpecific] = [71, 9, 0x80] }.bootItem == nil)
  }

  @Test("hostile text is kept only in printable form")
  func hostileText() throws {
    let facts = try Self.facts { $0.options[.vendorClass] = Array("PXEClient\n\u{1B}[2J$(id)".utf8) }
    #expect(facts.vendorClass == #"PXEClient\x0a\x1b[2J$(id)"#)
  }
}
