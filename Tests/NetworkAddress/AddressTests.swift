import NetworkAddress
import Testing

@Suite("Addresses")
struct AddressTests {
  @Test(
    "a MAC address is read in every usual spelling",
    arguments: ["52:54:00:ab:cd:ef", "52-54-00-AB-CD-EF", "5254.00ab.cdef", "525400abcdef", "52:54:00:AB:cd:EF"])
  func spellings(text: String) throws {
    let address = try MACAddress(text)
    #expect(address.value == 0x5254_00AB_CDEF)
    #expect(address.description == "52:54:00:ab:cd:ef")
    #expect(address.hyphenated == "52-54-00-ab-cd-ef")
    #expect(MACAddress(bytes: address.bytes) == address)
  }

  @Test(
    "what is no MAC address is refused, with the text as it was given",
    arguments: [
      "", "52:54:00:ab:cd", "52:54:00:ab:cd:ef:00", "52:54:00:ab:cd:eg", "5:254:00:ab:cd:ef", "52:54-00:ab:cd:ef",
      "5254:00ab:cdef", "+25400abcdef", "-525400abcde", "52:54:00:ab:cd:ef ", " 52:54:00:ab:cd:ef",
      "52:54:00:ab:cd:ef\n",
      "５2:54:00:ab:cd:ef", "::::::::::::", "${net0/mac}", "52:54:00:ab:cd:+f",
    ])
  func noMAC(text: String) {
    #expect(throws: AddressError.invalidMAC(text)) { try MACAddress(text) }
  }

  @Test("group and local addresses are told apart by their first octet")
  func kinds() throws {
    #expect(try MACAddress("ff:ff:ff:ff:ff:ff").isMulticast)
    #expect(try MACAddress("01:00:5e:00:00:01").isMulticast)
    #expect(try !MACAddress("52:54:00:12:34:56").isMulticast)
    #expect(try MACAddress("52:54:00:12:34:56").isLocallyAdministered)
    #expect(try !MACAddress("00:1b:21:12:34:56").isLocallyAdministered)
  }

  @Test("an IPv4 address has four decimal parts", arguments: ["0.0.0.0", "192.0.2.10", "255.255.255.255"])
  func addresses(text: String) throws {
    let address = try IPv4Address(text)
    #expect(address.description == text)
    #expect(IPv4Address(bytes: address.bytes) == address)
  }

  @Test(
    "what is no IPv4 address is refused",
    arguments: [
      "", "1.2.3", "1.2.3.4.5", "1.2.3.256", "01.2.3.4", "1.2.3.+4", "1..2.3", "1.2.3.4 ", "0x7f.0.0.1", "1.2.3.-4",
      "1.2.3.00", "2130706433", "::1", "１.2.3.4",
    ])
  func noAddress(text: String) {
    #expect(throws: AddressError.invalidIPv4(text)) { try IPv4Address(text) }
  }

  @Test("the UUID of option 97 and that of Linux are the same one, in two byte orders")
  func byteOrder() throws {
    let canonical = try SystemUUID("4c4c4544-0051-3510-8052-b4c04f4e4e32")
    let wire: [UInt8] = [
      0x44, 0x45, 0x4c, 0x4c, 0x51, 0x00, 0x10, 0x35, 0x80, 0x52, 0xb4, 0xc0, 0x4f, 0x4e, 0x4e, 0x32,
    ]
    #expect(canonical.wireBytes == wire)
    #expect(SystemUUID(wireBytes: wire) == canonical)
    #expect(try SystemUUID("4C4C4544005135108052B4C04F4E4E32") == canonical)
    #expect(canonical.description == "4c4c4544-0051-3510-8052-b4c04f4e4e32")
  }

  @Test(
    "UUIDs that many boards share identify nothing",
    arguments: [
      "00000000-0000-0000-0000-000000000000", "ffffffff-ffff-ffff-ffff-ffffffffffff",
      "03000200-0400-0500-0006-000700080009", "00020003-0004-0005-0006-000700080009",
      "12345678-1234-5678-90ab-cddeefaabbcc", "fefefefe-fefe-fefe-fefe-fefefefefefe",
    ])
  func placeholders(text: String) throws {
    #expect(try SystemUUID(text).isPlaceholder)
    #expect(try !SystemUUID("4c4c4544-0051-3510-8052-b4c04f4e4e32").isPlaceholder)
  }

  @Test(
    "what is no UUID is refused",
    arguments: [
      "", "Not Settable", "Default string", "4c4c4544-0051-3510-8052-b4c04f4e4e3",
      "g" + String(repeating: "0", count: 31),
    ])
  func noUUID(text: String) {
    #expect(throws: AddressError.invalidUUID(text)) { try SystemUUID(text) }
  }
}
