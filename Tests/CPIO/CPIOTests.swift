import CPIO
import Testing

private let everything: [CPIOEntry] = [
  CPIOEntry(path: "dev", kind: .directory),
  CPIOEntry(path: "dev/console", kind: .characterDevice(major: 5, minor: 1)),
  CPIOEntry(path: "dev/vda", kind: .blockDevice(major: 254, minor: 0), group: 6),
  CPIOEntry(path: "etc", kind: .directory, permissions: 0o700, owner: 1, group: 2),
  CPIOEntry(path: "etc/empty", kind: .file([])),
  CPIOEntry(path: "etc/three", kind: .file([1, 2, 3]), permissions: 0o4755),
  CPIOEntry(path: "etc/four", kind: .file([1, 2, 3, 4])),
  CPIOEntry(path: "lib", kind: .symbolicLink(target: "usr/lib")),
  CPIOEntry(path: "naïve name with spaces", kind: .file(Array("ü".utf8))),
]

@Suite("cpio archives")
struct CPIOTests {
  @Test("an archive is read as it was written")
  func roundTrip() throws {
    let bytes = try CPIOArchive.bytes(of: everything)
    #expect(bytes.count % 512 == 0)
    #expect(try CPIOArchive.entries(in: bytes) == everything)
  }

  @Test("an archive of random entries is read as it was written", arguments: 0..<20)
  func randomRoundTrip(seed: Int) throws {
    var state = UInt64(seed) &* 0x9E37_79B9_7F4A_7C15 | 1
    func random(_ limit: Int) -> Int {
      state ^= state << 13
      state ^= state >> 7
      state ^= state << 17
      return Int(state % UInt64(limit))
    }
    let entries = (0..<random(30)).map { index in
      let name = String(repeating: "p", count: random(20) + 1) + "-\(index)"
      return switch random(4) {
      case 0: CPIOEntry(path: name, kind: .directory, permissions: UInt16(random(0o10000)))
      case 1: CPIOEntry(path: name, kind: .symbolicLink(target: String(repeating: "t", count: random(9) + 1)))
      case 2: CPIOEntry(path: name, kind: .characterDevice(major: UInt32(random(256)), minor: UInt32(random(256))))
      default: CPIOEntry(path: name, kind: .file((0..<random(50)).map { _ in UInt8(random(256)) }))
      }
    }
    #expect(try CPIOArchive.entries(in: try CPIOArchive.bytes(of: entries)) == entries)
  }

  @Test("the header of a file is what the kernel's documentation says, to the byte")
  func golden() throws {
    let bytes = try CPIOArchive.bytes(of: [CPIOEntry(path: "init", kind: .file(Array("#!".utf8)), permissions: 0o755)])
    let header =
      "070701" + "00000001" + "000081ED" + "00000000" + "00000000" + "00000001" + "00000000" + "00000002"
      + "00000000" + "00000000" + "00000000" + "00000000" + "00000005" + "00000000"
    // 110 bytes of header and 5 of name end at 115; the content begins at 116 and is padded to 120.
    #expect(String(decoding: bytes.prefix(110), as: UTF8.self) == header)
    #expect(Array(bytes[110..<120]) == Array("init\0".utf8) + [0] + Array("#!".utf8) + [0, 0])
    #expect(String(decoding: bytes[120..<126], as: UTF8.self) == "070701")
  }

  @Test("the same entries give the same bytes")
  func deterministic() throws {
    #expect(try CPIOArchive.bytes(of: everything) == CPIOArchive.bytes(of: everything))
  }

  @Test("an archive made in pieces is the same")
  func pieces() throws {
    var writer = CPIOWriter()
    var bytes: [UInt8] = []
    for entry in everything {
      try writer.append(entry)
      bytes += writer.takeBytes()
    }
    bytes += writer.finish()
    #expect(bytes == (try CPIOArchive.bytes(of: everything)))
  }

  @Test("an overlay has each directory once, before what is in it")
  func overlay() throws {
    let files = [
      CPIOArchive.OverlayFile(path: "etc/bootstead/boot.json", bytes: [1], permissions: 0o600),
      CPIOArchive.OverlayFile(path: "etc/bootstead/key", bytes: [2]), CPIOArchive.OverlayFile(path: "top", bytes: []),
    ]
    let entries = try CPIOArchive.entries(in: try CPIOArchive.overlay(files: files))
    #expect(
      entries.map(\.path) == ["etc", "etc/bootstead", "etc/bootstead/boot.json", "etc/bootstead/key", "top"])
    #expect(entries[2].permissions == 0o600)
    #expect(throws: CPIOError.duplicateName(path: "top")) {
      try CPIOArchive.overlay(files: [files[2], files[2]])
    }
    #expect(throws: CPIOError.duplicateName(path: "etc")) {
      try CPIOArchive.overlay(files: [CPIOArchive.OverlayFile(path: "etc", bytes: []), files[0]])
    }
  }

  @Test(
    "a path that leaves the archive's root, or is no path, is not written",
    arguments: [
      ("", CPIOError.NameFault.empty), ("/etc/passwd", .absolute), ("../x", .parentFolder), ("a/../b", .parentFolder),
      ("a//b", .emptyPart), ("./a", .emptyPart), ("a/", .emptyPart), ("a\0b", .controlCharacter),
      ("a\nb", .controlCharacter), ("TRAILER!!!", .reserved), (String(repeating: "n", count: 4096), .tooLong),
    ])
  func badPath(path: String, reason: CPIOError.NameFault) {
    #expect(throws: CPIOError.invalidPath(path, reason: reason)) {
      try CPIOArchive.bytes(of: [CPIOEntry(path: path, kind: .directory)])
    }
  }

  @Test("permissions above 7777 and an empty link are not written")
  func badEntries() {
    #expect(throws: CPIOError.invalidPermissions(path: "a", 0o10000)) {
      try CPIOArchive.bytes(of: [CPIOEntry(path: "a", kind: .directory, permissions: 0o10000)])
    }
    #expect(throws: CPIOError.invalidPath("", reason: .empty)) {
      try CPIOArchive.bytes(of: [CPIOEntry(path: "a", kind: .symbolicLink(target: ""))])
    }
  }
}
