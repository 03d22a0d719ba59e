import TFTP
import Testing

private func request(_ text: String) -> [UInt8] { [0, 1] + Array(text.utf8) }

@Suite("TFTP packets")
struct PacketTests {
  static let packets: [TFTPPacket] = [
    .readRequest(TFTPRequest(name: Array("a/b.efi".utf8), options: [TFTPOption("tsize", "0")])),
    .readRequest(TFTPRequest(name: Array("x".utf8), mode: .netascii)),
    .writeRequest(TFTPRequest(name: Array("x".utf8), mode: .mail)),
    .readRequest(TFTPRequest(name: [0xFF], mode: .other([0x96, 0xF7]))),
    .data(block: 0, payload: []), .data(block: 65535, payload: Array(0...255)),
    .acknowledgement(block: 7), .error(.fileNotFound, "file not found"),
    .optionAcknowledgement([TFTPOption("blksize", "1468"), TFTPOption("windowsize", "4")]),
    .optionAcknowledgement([]),
  ]

  @Test("a packet is read as it was written", arguments: packets)
  func roundTrip(packet: TFTPPacket) throws {
    #expect(try TFTPPacket(parsing: packet.bytes) == packet)
  }

  @Test("every prefix and every changed byte of a packet gives a packet or a refusal", arguments: packets)
  func total(packet: TFTPPacket) {
    let bytes = packet.bytes
    for length in 0...bytes.count {
      let parsed = try? TFTPPacket(parsing: bytes.prefix(length))
      if length < 2 { #expect(parsed == nil) }
    }
    for index in bytes.indices {
      for value: UInt8 in [0, 1, 0x7F, 0xFF] {
        var changed = bytes
        changed[index] = value
        if let parsed = try? TFTPPacket(parsing: changed) {
          #expect((try? TFTPPacket(parsing: parsed.bytes)) != nil)
        }
      }
    }
  }

  @Test(
    "a datagram that is no packet is refused with the reason",
    arguments: [
      ([], TFTPParseError.tooShort(length: 0, needed: 2)), ([0], .tooShort(length: 1, needed: 2)),
      ([0, 0], .unknownOperation(0)), ([0, 7], .unknownOperation(7)), ([1, 1], .unknownOperation(257)),
      ([0, 3, 1], .tooShort(length: 3, needed: 4)), ([0, 4], .tooShort(length: 2, needed: 4)),
      ([0, 5, 0], .tooShort(length: 3, needed: 4)), (request("name"), .unterminatedName),
      (request("name\0octet"), .unterminatedMode),
      ([0, 1] + [UInt8](repeating: 65, count: 2000), .requestTooLong(length: 2002, limit: 1468)),
      ([0, 1] + [UInt8](repeating: 65, count: 65_000), .requestTooLong(length: 65_002, limit: 1468)),
    ] as [([UInt8], TFTPParseError)])
  func refused(bytes: [UInt8], error: TFTPParseError) {
    #expect(throws: error) { try TFTPPacket(parsing: bytes) }
  }

  @Test(
    "a broken tail of options is left out and the rest is kept",
    arguments: [
      ("f\0octet\0", 0), ("f\0octet\0\0", 0), ("f\0octet\0tsize\0", 0), ("f\0octet\0tsize\u{0}0", 0),
      ("f\0octet\0tsize\u{0}0\0", 1), ("f\0octet\0tsize\u{0}0\0blksize\0", 1), ("f\0octet\0tsize\u{0}0\0\0\0", 1),
      ("f\0octet\0a\0b\0a\0c\0", 2),
    ])
  func brokenOptions(text: String, count: Int) throws {
    guard case .readRequest(let read) = try TFTPPacket(parsing: request(text)) else {
      Issue.record("no read request")
      return
    }
    #expect(read.options.count == count)
    #expect(read.name == Array("f".utf8))
  }

  @Test("sixty options are read")
  func manyOptions() throws {
    let options = (0..<60).map { TFTPOption("o\($0)", "1") }
    let packet = TFTPPacket.readRequest(TFTPRequest(name: [65], options: options))
    #expect(try TFTPPacket(parsing: packet.bytes) == packet)
  }

  @Test("the mode may be written in any case", arguments: ["octet", "OcTeT", "OCTET"])
  func modes(text: String) throws {
    guard case .readRequest(let read) = try TFTPPacket(parsing: request("f\0\(text)\0")) else {
      Issue.record("no read request")
      return
    }
    #expect(read.mode == .octet)
  }

  @Test("the text of an error is cut to 500 printable characters")
  func errorText() {
    let packet = TFTPPacket.error(.notDefined, "a\n\u{1B}é" + String(repeating: "x", count: 1000))
    let bytes = packet.bytes
    #expect(bytes.count == 4 + 500 + 1)
    #expect(bytes.dropFirst(4).dropLast().allSatisfy { (0x20...0x7E).contains($0) })
    #expect(bytes.last == 0)
  }
}

@Suite("Names in requests")
struct RequestNameTests {
  @Test(
    "spellings of one name are one name",
    arguments: ["a/b.efi", "/a/b.efi", "//a//b.efi", "\\a\\b.efi", "./a/./b.efi", "a/b.efi/", "/a\\b.efi"])
  func same(text: String) throws {
    let name = try TFTPRequestName(text)
    #expect(name.path == "a/b.efi")
    #expect(name.lastComponent == "b.efi")
  }

  @Test(
    "names that leave the table, or can not be shown, are refused",
    arguments: [
      ("../x", TFTPNameError.parentFolder), ("a/../../etc/passwd", .parentFolder), ("..\\x", .parentFolder),
      ("a\\..\\b", .parentFolder), ("..", .parentFolder), ("", .empty), ("/", .empty), ("././/", .empty),
      ("a\0b", .controlCharacter), ("a\nb", .controlCharacter), ("a\u{7F}", .controlCharacter),
      ("a\u{85}", .controlCharacter), (String(repeating: "n", count: 256), .tooLong(length: 256)),
      (String(repeating: "n", count: 511), .tooLong(length: 511)),
    ])
  func refused(text: String, error: TFTPNameError) {
    #expect(throws: error) { try TFTPRequestName(text) }
  }

  @Test("a name that only looks like a path is a name", arguments: ["%2e%2e/etc", "C:\\Windows", "...", "a..b", ".a"])
  func odd(text: String) throws {
    #expect(try TFTPRequestName(text).path == text.replacing("\\", with: "/"))
  }

  @Test("case, final dots and Unicode forms are kept apart")
  func distinct() throws {
    #expect(try TFTPRequestName("A") != TFTPRequestName("a"))
    #expect(try TFTPRequestName("a.") != TFTPRequestName("a"))
    #expect(try TFTPRequestName("a ") != TFTPRequestName("a"))
  }

  @Test("bytes that are not UTF-8 are refused")
  func notUTF8() {
    #expect(throws: TFTPNameError.notUTF8) { try TFTPRequestName([0x61, 0xFF]) }
    #expect(throws: TFTPNameError.notUTF8) { try TFTPRequestName([0xC0, 0xAF]) }
  }

  @Test("a name of 255 bytes is read")
  func longest() throws {
    #expect(try TFTPRequestName(String(repeating: "n", count: 255)).components.count == 1)
  }
}
