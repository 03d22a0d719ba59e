import DHCP
import Foundation
import Testing

@Suite("iPXE's own options")
struct IPXEOptionsTests {
  @Test("features, version and bus are read")
  func features() {
    let options = IPXEOptions([
      0x13, 1, 1, 0x14, 1, 0, 0x18, 1, 1, 0x24, 1, 1, 0x27, 1, 1, 0xB1, 5, 1, 0x80, 0x86, 0x10, 0x0E, 0xEB, 3, 1, 21, 1,
    ])
    #expect(options.features == [.http, .bzImage, .efi, .menu])
    #expect(options.features.featureNames == ["http", "bzImage", "efi", "menu"])
    #expect(options.version == "1.21.1")
    #expect(options.busIdentifier == [1, 0x80, 0x86, 0x10, 0x0E])
    #expect(!options.isDamaged)
  }

  @Test("nothing counts after the end marker, and padding is skipped")
  func end() {
    #expect(IPXEOptions([0, 0x13, 1, 1, 255, 0x18, 1, 1]).features == [.http])
  }

  @Test("damage keeps what stood before it", arguments: [[0x18], [0x18, 2, 1], [0x18, 255]] as [[UInt8]])
  func damage(tail: [UInt8]) {
    let options = IPXEOptions([0x13, 1, 1] + tail)
    #expect(options.features == [.http])
    #expect(options.isDamaged)
  }

  @Test("features travel as names in JSON")
  func json() throws {
    let features: IPXEFeatures = [.http, .efi]
    let data = try JSONEncoder().encode(features)
    #expect(String(decoding: data, as: UTF8.self) == #"["http","efi"]"#)
    #expect(try JSONDecoder().decode(IPXEFeatures.self, from: data) == features)
  }
}
