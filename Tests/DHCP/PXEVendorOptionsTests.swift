import DHCP
import NetworkAddress
import SeededNumbers
import Testing

@Suite("PXE vendor options")
struct PXEVendorOptionsTests {
  @Test("the direct form is to the byte what firmware takes")
  func direct() throws {
    var options = PXEVendorOptions()
    options.discoveryControl = .useThisBootFile
    #expect(try options.serialised() == [0x06, 0x01, 0x08, 0xFF])
    options.prompt = PXEVendorOptions.Prompt(timeout: 0, text: Array("PXE".utf8))
    #expect(try options.serialised() == [0x06, 0x01, 0x08, 0x0A, 0x04, 0x00, 0x50, 0x58, 0x45, 0xFF])
  }

  static let menu: [UInt8] =
    [6, 1, 7, 7, 4, 224, 0, 1, 2] + [8, 14, 0x80, 0, 1, 192, 0, 2, 1, 0x80, 1, 1, 192, 0, 2, 2]
    + [9, 10, 0x80, 0, 2, 0x61, 0x62, 0, 0, 2, 0x63, 0x64] + [10, 2, 255, 0x21] + [71, 4, 0x80, 0, 0, 1] + [128, 1, 9]
    + [255]

  @Test("every sub-option is read from its bytes and written back to the same")
  func menu() throws {
    let options = try PXEVendorOptions(Self.menu)
    #expect(options.discoveryControl == [.noBroadcast, .noMulticast, .onlyListedServers])
    #expect(options.multicastAddress == IPv4Address(224, 0, 1, 2))
    #expect(
      options.bootServers == [
        .init(type: 0x8000, addresses: [IPv4Address(192, 0, 2, 1)]),
        .init(type: 0x8001, addresses: [IPv4Address(192, 0, 2, 2)]),
      ])
    #expect(options.menu == [.init(type: 0x8000, text: [0x61, 0x62]), .init(type: 0, text: [0x63, 0x64])])
    #expect(options.prompt == .init(timeout: 255, text: [0x21]))
    #expect(options.bootItem == .init(type: 0x8000, layer: 1))
    #expect(options.others == [DHCPOption(DHCPOptionCode(rawValue: 128), [9])])
    #expect(try options.serialised() == Self.menu)
  }

  @Test("cut anywhere, the options give a value or a refusal, and a value survives the trip")
  func truncation() throws {
    for length in 0..<Self.menu.count {
      if let options = try? PXEVendorOptions(Array(Self.menu.prefix(length))) {
        #expect(try PXEVendorOptions(options.serialised()) == options)
      } else {
        #expect(length > 0)
      }
    }
  }

  @Test(
    "sub-options of a wrong length are refused",
    arguments: [
      [6, 0], [6, 2, 1, 1], [7, 3, 1, 2, 3], [8, 2, 0, 1], [8, 3, 0, 1, 1], [8, 6, 0, 1, 1, 1, 2, 3],
      [8, 3, 0, 1, 255],
      [9, 2, 0, 1], [9, 4, 0, 1, 2, 0x61], [10, 0], [71, 3, 0, 0, 0], [71, 5, 0, 0, 0, 0, 0], [6], [200, 9, 1],
    ] as [[UInt8]])
  func wrongLengths(bytes: [UInt8]) {
    #expect { try PXEVendorOptions(bytes) } throws: { error in
      guard case .invalidVendorOption(let code, _)? = error as? DHCPError else { return false }
      return code == bytes[0]
    }
  }

  @Test("what does not fit is refused")
  func tooLong() throws {
    var options = PXEVendorOptions()
    options.menu = [.init(type: 1, text: [UInt8](repeating: 0x61, count: 256))]
    #expect(throws: DHCPError.self) { try options.serialised() }
    // 4 entries of 63 bytes, 2 of framing, 1 of the end: exactly what one option holds.
    options.menu = (0..<4).map { .init(type: $0, text: [UInt8](repeating: 0x61, count: 60)) }
    #expect(try options.serialised().count == 255)
    options.discoveryControl = .useThisBootFile
    #expect(throws: DHCPError.fieldTooLong(field: "option 43", length: 258, limit: 255)) { try options.serialised() }
    var end = PXEVendorOptions()
    end.others = [DHCPOption(.end, [1])]
    #expect(throws: DHCPError.reservedOption(code: 255)) { try end.serialised() }
    var servers = PXEVendorOptions()
    servers.bootServers = [.init(type: 1, addresses: [IPv4Address](repeating: .any, count: 256))]
    #expect(throws: DHCPError.self) { try servers.serialised() }
  }

  @Test("random bytes give a value that survives the trip, or a refusal", arguments: UInt64(1)...4)
  func randomBytes(seed: UInt64) throws {
    var generator = SeededGenerator(seed: seed)
    var parsed = 0
    for _ in 0..<2000 {
      let codes: [UInt8] = [6, 7, 8, 9, 10, 71, 200]
      var bytes: [UInt8] = []
      for _ in 0..<Int.random(in: 0...5, using: &generator) {
        let length = Int.random(in: 0...8, using: &generator)
        bytes += [codes.randomElement(using: &generator) ?? 6, UInt8(length)]
        bytes += (0..<length).map { _ in UInt8.random(in: 0...5, using: &generator) }
      }
      guard let options = try? PXEVendorOptions(bytes) else { continue }
      parsed += 1
      #expect(try PXEVendorOptions(options.serialised()) == options)
    }
    #expect(parsed > 100)
  }
}
