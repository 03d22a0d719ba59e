import CPIO
import Testing

/// A raw archive member, with any field set to anything.
private func member(
  name: [UInt8], mode: UInt32 = 0o100644, body: [UInt8] = [], size: UInt32? = nil, nameSize: UInt32? = nil,
  magic: String = "070701"
) -> [UInt8] {
  func hex(_ value: UInt32) -> [UInt8] {
    let digits = String(value, radix: 16)
    return Array((String(repeating: "0", count: 8 - digits.count) + digits).utf8)
  }
  let fields: [UInt32] = [
    1, mode, 0, 0, 1, 0, size ?? UInt32(body.count), 0, 0, 0, 0, nameSize ?? UInt32(name.count + 1), 0,
  ]
  var bytes = Array(magic.utf8) + fields.flatMap(hex) + name + [0]
  while bytes.count % 4 != 0 { bytes.append(0) }
  bytes += body
  while bytes.count % 4 != 0 { bytes.append(0) }
  return bytes
}

private func member(_ name: String, mode: UInt32 = 0o100644, body: [UInt8] = []) -> [UInt8] {
  member(name: Array(name.utf8), mode: mode, body: body)
}

private let trailer = member("TRAILER!!!", mode: 0)

@Suite("Archives that others wrote")
struct CPIOReaderTests {
  @Test(
    "what is no archive, or a dangerous one, is refused with the reason and the place",
    arguments: [
      ([], CPIOError.noTrailer), ([0x30], .truncated(offset: 0)),
      ([UInt8](repeating: 0, count: 512), .notNewc(offset: 0)),
      (member(name: [97], magic: "070702") + trailer, .notNewc(offset: 0)),
      (member(name: [97], magic: "070707") + trailer, .notNewc(offset: 0)),
      (member("a"), .noTrailer), (member("a") + trailer.dropLast(20), .truncated(offset: 112)),
      (member("/etc/passwd") + trailer, .badName(offset: 0, reason: .absolute)),
      (member("../x") + trailer, .badName(offset: 0, reason: .parentFolder)),
      (member("a/../../x") + trailer, .badName(offset: 0, reason: .parentFolder)),
      (member("") + trailer, .badName(offset: 0, reason: .empty)),
      (member("a\nb") + trailer, .badName(offset: 0, reason: .controlCharacter)),
      (member(name: [0xFF]) + trailer, .badName(offset: 0, reason: .notUTF8)),
      (member(name: [97, 0, 98]) + trailer, .badName(offset: 0, reason: .unterminated)),
      (member(name: [97], nameSize: 0) + trailer, .badName(offset: 0, reason: .empty)),
      (member(name: [97], nameSize: .max) + trailer, .nameTooLong(offset: 0, length: 0xFFFF_FFFE, limit: 4095)),
      (member(name: [97], size: .max) + trailer, .fileTooLarge(offset: 0, size: 0xFFFF_FFFF, limit: 256 << 20)),
      (member(name: [97], size: 1 << 20) + trailer, .truncated(offset: 0)),
      (member("a", mode: 0o010644) + trailer, .unsupportedKind(offset: 0, mode: 0o010644)),
      (member("a", mode: 0o140644) + trailer, .unsupportedKind(offset: 0, mode: 0o140644)),
      (member("a", mode: 0o040755, body: [1]) + trailer, .badSize(offset: 0, size: 1)),
      (member("a", mode: 0o020600, body: [1]) + trailer, .badSize(offset: 0, size: 1)),
      (member("a", mode: 0o120777) + trailer, .badSize(offset: 0, size: 0)),
      (member("a") + member("a") + trailer, .duplicateName(path: "a")),
      (trailer + [0, 0, 1], .badPadding(offset: trailer.count + 2)),
      (member("l", mode: 0o120777, body: Array("/etc".utf8)) + member("l/x") + trailer, .throughLink(path: "l/x")),
    ] as [([UInt8], CPIOError)])
  func refused(bytes: [UInt8], error: CPIOError) {
    #expect(throws: error) { try CPIOArchive.entries(in: bytes) }
  }

  @Test("a header with a byte that is no hexadecimal digit is refused", arguments: 6..<110)
  func badDigit(index: Int) {
    var bytes = member("a") + trailer
    bytes[index] = UInt8(ascii: "x")
    #expect(throws: CPIOError.badNumber(offset: 0)) { try CPIOArchive.entries(in: bytes) }
  }

  @Test("limits hold")
  func limits() {
    let many = (0..<5).flatMap { member("f\($0)", body: [1, 2, 3]) } + trailer
    var limits = CPIOLimits()
    limits.entries = 4
    #expect(throws: CPIOError.tooManyEntries(limit: 4)) { try CPIOArchive.entries(in: many, limits: limits) }
    limits.entries = 5
    limits.totalSize = 14
    #expect(throws: CPIOError.archiveTooLarge(limit: 14)) { try CPIOArchive.entries(in: many, limits: limits) }
    limits.totalSize = 15
    #expect((try? CPIOArchive.entries(in: many, limits: limits))?.count == 5)
  }

  @Test("the root itself may be an entry, as find prints it")
  func root() throws {
    let entries = try CPIOArchive.entries(in: member(".", mode: 0o040755) + member("a") + trailer)
    #expect(entries.map(\.path) == [".", "a"])
  }

  @Test("a slice of a larger array is read")
  func slice() throws {
    let bytes = [9, 9, 9] + member("a", body: [1]) + trailer
    #expect(try CPIOArchive.entries(in: bytes[3...]).count == 1)
  }

  @Test("every prefix, and every changed byte, gives entries or a refusal")
  func total() {
    let bytes = member("etc", mode: 0o040755) + member("etc/a", body: [1, 2, 3, 4, 5]) + trailer
    var refusals = 0
    for length in 0..<bytes.count where (try? CPIOArchive.entries(in: bytes.prefix(length))) == nil { refusals += 1 }
    // Zero bytes that only pad behind the end mark may be missing.
    #expect(refusals >= bytes.count - 3)
    for index in bytes.indices {
      for value: UInt8 in [0, UInt8(ascii: "F"), UInt8(ascii: "7"), 0xFF] {
        var changed = bytes
        changed[index] = value
        if let entries = try? CPIOArchive.entries(in: changed) { #expect(entries.count <= 2) }
      }
    }
  }
}
